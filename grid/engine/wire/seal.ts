import { crc32 } from 'node:zlib'
import { GridError } from '../../core/errors.ts'

/**
 * A byte that MessagePack never uses: no record of before, when they had no seal, begins with it.
 */
const mark = 0xc1
/** Before the body. */
export const sealBytes = 6

/**
 * A record as it is stored and sent: a mark, its format, a CRC-32 (ISO 3309) of format and body,
 * the body. Every version, whatever formats it reads, tells by it alike whether bytes are a whole
 * record at all.
 */
export function seal(format: number, body: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(sealBytes + body.byteLength)
  record[0] = mark
  record[1] = format
  record.set(body, sealBytes)
  record.writeUInt32LE(checksum(record), 2)
  return record
}

/**
 * The format of a sealed record; undefined: it has no seal. @throws GridError `record_damaged` when
 * it is not as it was sealed
 */
export function sealedFormat(record: Uint8Array): number | undefined {
  if (record[0] !== mark) return undefined
  if (!isWhole(record))
    throw new GridError('record_damaged', 'A record is not as it was written: its checksum differs')
  return record[1] as number
}

/** Whether it is a whole record of this format. */
export const isSealedAs = (format: number, record: Uint8Array): boolean =>
  record[0] === mark && record[1] === format && isWhole(record)

export const sealedBody = (record: Uint8Array): Uint8Array => record.subarray(sealBytes)

function isWhole(record: Uint8Array): boolean {
  if (record.byteLength < sealBytes) return false
  // Byte by byte: to make a view of them takes longer than all of this.
  const sum = checksum(record)
  for (let i = 0; i < 4; i++) if (record[2 + i] !== ((sum >>> (8 * i)) & 0xff)) return false
  return true
}

const checksum = (record: Uint8Array): number =>
  crc32(record.subarray(sealBytes), record[1] as number)
