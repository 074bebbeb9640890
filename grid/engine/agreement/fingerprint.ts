import { hashString, mix53, mix53With } from '../../core/hash.ts'
import { bytesOf, type NumberArray, numberArrayKind } from '../wire/number-arrays.ts'

/** What a stored entry's own hash covers: a value under another key, or at another position, is as wrong as another value. */
interface Stored {
  readonly cache: string
  readonly key: string
  readonly value: unknown
  readonly version: number
  readonly position: number
}

/** An entry's version and everything in its value as one 53-bit number: equal entries have equal ones, wherever they were read. */
export const fingerprintOf = (version: number, value: unknown): number =>
  mix53(version, valueHash(value, depthMax), 0x2c1b3c6d)

/**
 * What a store keeps beside an entry, so that whoever reads it sees whether it is what was written (docs/decisions/0017). It stands in
 * data that outlives this version: another way to compute it needs another place.
 */
export const storedHash = ({ cache, key, value, version, position }: Stored): number =>
  mix53With(
    mix53With(fingerprintOf(version, value), hashString(cache), hashString(key)),
    position,
    0x6b43a9b5,
  )

/** Below this depth nothing is looked at: no value of this version is nested so deeply, and one of an earlier version must not end the stack. */
const depthMax = 600

/**
 * Hash of plain data. Copies that went through MongoDB, Redis or the log are equal by this: the order of fields, fields that are undefined, and the sign
 * of zero do not count.
 */
function valueHash(value: unknown, depth: number): number {
  switch (typeof value) {
    case 'string':
      return mix53(hashString(value), 1, 0)
    case 'number':
      return numberHash(value, 7)
    case 'boolean':
      return value ? 3 : 2
    case 'object':
      return value === null ? 4 : objectHash(value, depth - 1)
    default:
      return mix53(hashString(String(value)), 6, 0)
  }
}

function objectHash(value: object, depth: number): number {
  if (depth < 0) return 11
  if (Array.isArray(value))
    return value.reduce<number>((hash, item) => mix53With(hash, valueHash(item, depth), 5), 5)
  if (value instanceof Date) return numberHash(value.getTime(), 12)
  if (ArrayBuffer.isView(value)) return bytesHash(value as NumberArray)
  return fieldsHash(value as Readonly<Record<string, unknown>>, depth)
}

const scratch = new DataView(new ArrayBuffer(8))

function numberHash(value: number, salt: number): number {
  scratch.setFloat64(0, value === 0 ? 0 : value)
  return mix53(scratch.getUint32(0), scratch.getUint32(4), salt)
}

function bytesHash(value: NumberArray): number {
  let hash = value.byteLength + 1 + 2 ** 40 * (numberArrayKind(value) ?? 100)
  for (const byte of bytesOf(value)) hash = mix53(hash, byte, 8)
  return hash
}

const half = 2 ** 52

/** A number below 2 * `half`, modulo `half`: the operator takes many times as long for numbers as large as these. */
const below = (number: number): number => (number < half ? number : number - half)

/** The sum of the fields' hashes: it needs no order, as long as no digit is lost. */
function fieldsHash(value: Readonly<Record<string, unknown>>, depth: number): number {
  let sum = 0
  for (const name in value)
    if (value[name] !== undefined)
      sum = below(sum + below(mix53With(hashString(name), valueHash(value[name], depth), 9)))
  return mix53(sum, 10, 0)
}
