import { GridError } from '../../core/errors.ts'
import { messagePack } from './message-pack.ts'
import { unpackRecord } from './packed-bytes.ts'
import { seal, sealedBody, sealedFormat } from './seal.ts'

/**
 * What components tell each other and nobody stores, as bytes: one item of MessagePack under a
 * seal. Anybody may publish anything on a subject, so the item is looked at before it is unpacked,
 * and whoever reads it checks what it is.
 */
export const packMessage = (format: number, item: unknown): Uint8Array =>
  seal(format, messagePack.pack(item))

/** @throws GridError `record_damaged`: no such message; `format_unsupported`: of another version */
export function unpackMessage(format: number, data: Uint8Array): unknown {
  const found = sealedFormat(data)
  if (found === undefined)
    throw new GridError('record_damaged', `A message of ${data.byteLength} bytes is none of ours`)
  if (found !== format)
    throw new GridError(
      'format_unsupported',
      `A message has format ${found}; this version reads format ${format}`,
    )
  return unpackRecord(sealedBody(data))
}

/**
 * What processes tell whoever listens. undefined: of another format, damaged, or no such message at
 * all; anybody may publish anything.
 *
 * @param read undefined: it is none
 */
export function readTold<T>(
  format: number,
  data: Uint8Array,
  read: (item: unknown) => T | undefined,
): T | undefined {
  try {
    return read(unpackMessage(format, data))
  } catch {
    // What cannot be read is not for us.
    return undefined
  }
}

const toldTextMax = 255

/** A name, as it is told. */
export const isToldText = (it: unknown): it is string =>
  typeof it === 'string' && it.length > 0 && it.length <= toldTextMax
