import { hashString, mix53, mix53With } from '../space/hash.ts'

/** An entry's version and everything in its value as one 53-bit number: equal entries have equal ones, wherever they were read. */
export const fingerprintOf = (version: number, value: unknown): number =>
  mix53(version, valueHash(value), 0x2c1b3c6d)

/**
 * Hash of plain data. Copies that went through MongoDB, Redis or the log are equal by this: the order of fields, fields that are undefined, and the sign
 * of zero do not count.
 */
function valueHash(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return mix53(hashString(value), 1, 0)
    case 'number':
      return numberHash(value)
    case 'boolean':
      return value ? 3 : 2
    case 'object':
      if (value === null) return 4
      if (ArrayBuffer.isView(value)) return bytesHash(value)
      if (Array.isArray(value))
        return value.reduce<number>((hash, item) => mix53With(hash, valueHash(item), 5), 5)
      return fieldsHash(value as Readonly<Record<string, unknown>>)
    default:
      return mix53(hashString(String(value)), 6, 0)
  }
}

const scratch = new DataView(new ArrayBuffer(8))

function numberHash(value: number): number {
  scratch.setFloat64(0, value === 0 ? 0 : value)
  return mix53(scratch.getUint32(0), scratch.getUint32(4), 7)
}

function bytesHash({ buffer, byteOffset, byteLength }: ArrayBufferView): number {
  let hash = byteLength + 1
  for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) hash = mix53(hash, byte, 8)
  return hash
}

const half = 2 ** 52

/** The sum of the fields' hashes: it needs no order, as long as no digit is lost. */
function fieldsHash(value: Readonly<Record<string, unknown>>): number {
  let sum = 0
  for (const name in value)
    if (value[name] !== undefined)
      sum = (sum + (mix53With(hashString(name), valueHash(value[name]), 9) % half)) % half
  return mix53(sum, 10, 0)
}
