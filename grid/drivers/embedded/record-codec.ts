import { GridError } from '../../core/errors.ts'
import type { LogRecord } from '../../engine/ports/log.ts'
import { seal, sealedBody, sealedFormat } from '../../engine/wire/seal.ts'

export interface StoredRecord extends LogRecord {
  /**
   * Size of all records stored so far, this one included: the difference of two says what lies
   * between, without reading it.
   */
  readonly endBytes: number
}

/** Two doubles: time, endBytes. */
const headerBytes = 16
/**
 * Of a sealed record. One without a seal is of a version that did not seal yet: its first byte, the
 * lowest of a time in whole ms, is 0.
 */
const format = 1

export function encodeRecord(time: number, endBytes: number, data: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes + data.length)
  bytes.writeDoubleLE(time, 0)
  bytes.writeDoubleLE(endBytes, 8)
  bytes.set(data, headerBytes)
  return seal(format, bytes)
}

/**
 * The record's data is a view of `bytes`. @throws GridError `record_damaged` when they are not what
 * was written
 */
export function decodeRecord(position: number, bytes: Buffer): StoredRecord {
  const isSealed = sealedFormat(bytes) !== undefined
  const record = isSealed ? sealedBody(bytes) : bytes
  const { buffer, byteOffset, byteLength } = record
  if (byteLength < headerBytes) throw new GridError('record_damaged', 'A record is cut short')
  const view = new DataView(buffer, byteOffset)
  const time = view.getFloat64(0, true)
  const endBytes = view.getFloat64(8, true)
  // Or it is a sealed one whose seal is damaged: what would be its time then is no time.
  const isHeader = isSealed || (Number.isSafeInteger(time) && Number.isSafeInteger(endBytes))
  if (!isHeader) throw new GridError('record_damaged', 'A record does not begin as records do')
  const data = new Uint8Array(buffer, byteOffset + headerBytes, byteLength - headerBytes)
  return { position, time, endBytes, data }
}
