import type { LogRecord } from '../../ports/log.ts'

export interface StoredRecord extends LogRecord {
  /**
   * Size of all records stored so far, this one included: the difference of two says what lies
   * between, without reading it.
   */
  readonly endBytes: number
}

/** Two doubles: time, endBytes. */
const headerBytes = 16

export function encodeRecord(time: number, endBytes: number, data: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes + data.length)
  bytes.writeDoubleLE(time, 0)
  bytes.writeDoubleLE(endBytes, 8)
  bytes.set(data, headerBytes)
  return bytes
}

/** The record's data is a view of `bytes`. */
export const decodeRecord = (position: number, bytes: Buffer): StoredRecord => ({
  position,
  time: bytes.readDoubleLE(0),
  endBytes: bytes.readDoubleLE(8),
  data: new Uint8Array(
    bytes.buffer,
    bytes.byteOffset + headerBytes,
    bytes.byteLength - headerBytes,
  ),
})
