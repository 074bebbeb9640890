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
