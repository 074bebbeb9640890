import {
  hashString,
  hashStringTo,
  hashUtf8To,
  high,
  low,
  mix53,
  mix53With,
  mixFirst,
  mixSecond,
} from '../../core/hash.ts'
import { bytesOf, type NumberArray, numberArrayKind } from '../wire/number-arrays.ts'

/**
 * What a stored entry's own hash covers: a value under another key, or at another position, is as
 * wrong as another value.
 */
interface Stored {
  readonly cache: string
  readonly key: string
  readonly value: unknown
  readonly version: number
  readonly position: number
}

/**
 * An entry's version and everything in its value as one 53-bit number: equal entries have equal
 * ones, wherever they were read.
 */
export function fingerprintOf(version: number, value: unknown): number {
  hashValue(value, depthMax)
  return versionHash(version)
}

/** Of what has been hashed. */
const versionHash = (version: number): number => mix53(version, hashed(), 0x2c1b3c6d)

/**
 * What a store keeps beside an entry, so that whoever reads it sees whether it is what was written
 * (docs/decisions/0017). It stands in data that outlives this version: another way to compute it
 * needs another place.
 */
export const storedHash = ({ cache, key, value, version, position }: Stored): number =>
  storedHashOf(fingerprintOf(version, value), hashString(cache), hashString(key), position)

const storedHashOf = (value: number, cache: number, key: number, position: number): number =>
  mix53With(mix53With(value, cache, key), position, 0x6b43a9b5)

/**
 * Below this depth nothing is looked at: no value of this version is nested so deeply, and one of
 * an earlier version must not end the stack.
 */
const depthMax = 600

/*
 * Every document that is read or written is hashed, so a hash on its way is kept in two halves, of
 * 21 and 32 bits: numbers beyond 31 bits would be put on the heap at every step. What comes out is
 * what `mix53` and `mix53With` would make of whole numbers.
 */
let resultHigh = 0
let resultLow = 0

const hashed = (): number => resultHigh * 0x100000000 + resultLow

/** No hash is 0. */
function become(high: number, low: number): void {
  resultHigh = high & 0x1fffff
  resultLow = (low === 0 && resultHigh === 0 ? 1 : low) >>> 0
}

function becomeWhole(hash: number): void {
  resultHigh = high(hash)
  resultLow = low(hash)
}

const otherSalt = 0x5bd1e995

/** `mix53`, of halves. */
function mix(aHigh: number, aLow: number, bHigh: number, bLow: number, salt: number): void {
  const upper = mixSecond(mixFirst(aHigh, aLow, salt), bHigh, bLow)
  become(upper, mixSecond(mixFirst(aHigh, aLow, salt ^ otherSalt), bHigh, bLow))
}

/**
 * Hash of plain data. Copies that went through MongoDB, Redis or the log are equal by this: the
 * order of fields, fields that are undefined, and the sign of zero do not count.
 */
function hashValue(value: unknown, depth: number): void {
  if (typeof value === 'string') hashText(value, 1)
  else if (typeof value === 'number') hashNumber(value, 7)
  else if (typeof value === 'boolean') become(0, value ? 3 : 2)
  else if (typeof value !== 'object') hashText(String(value), 6)
  else if (value === null) become(0, 4)
  else hashObject(value, depth - 1)
}

const parts = new Uint32Array(2)

function hashText(text: string, kind: number): void {
  hashStringTo(text, parts)
  mix(parts[0] as number, parts[1] as number, 0, kind, 0)
}

function hashObject(value: object, depth: number): void {
  if (depth < 0) become(0, 11)
  else if (Array.isArray(value)) hashItems(value, depth)
  else if (value instanceof Date) hashNumber(value.getTime(), 12)
  else if (ArrayBuffer.isView(value)) becomeWhole(bytesHash(value as NumberArray))
  else hashFields(value as Readonly<Record<string, unknown>>, depth)
}

/** Holes do not count. */
function hashItems(items: readonly unknown[], depth: number): void {
  let hash = 5
  for (let i = 0; i < items.length; i++) {
    if (!(i in items)) continue
    hashValue(items[i], depth)
    hash = mix53With(hash, hashed(), 5)
  }
  becomeWhole(hash)
}

const scratch = new DataView(new ArrayBuffer(8))

function hashNumber(value: number, salt: number): void {
  scratch.setFloat64(0, value === 0 ? 0 : value)
  mix(0, scratch.getUint32(0), 0, scratch.getUint32(4), salt)
}

function bytesHash(value: NumberArray): number {
  let hash = value.byteLength + 1 + 2 ** 40 * (numberArrayKind(value) ?? 100)
  for (const byte of bytesOf(value)) hash = mix53(hash, byte, 8)
  return hash
}

/** The part of a field's hash that its name alone decides. */
export interface MixedName {
  readonly upper: number
  readonly lower: number
}

const mixedNames = new Map<string, MixedName>()
const mixedNamesMax = 10_000
const fieldSalt = 9

export function mixedName(name: string): MixedName {
  let mixed = mixedNames.get(name)
  if (!mixed) {
    const hash = hashString(name)
    const upper = mixFirst(high(hash), low(hash), otherSalt)
    mixed = { upper, lower: mixFirst(high(hash), low(hash), fieldSalt) }
    if (mixedNames.size < mixedNamesMax) mixedNames.set(name, mixed)
  }
  return mixed
}

function becomeField({ upper, lower }: MixedName): void {
  become(mixSecond(upper, resultHigh, resultLow), mixSecond(lower, resultHigh, resultLow))
}

/**
 * `storedHash` of entries of one cache that come field by field, in the bytes in which they are
 * stored.
 */
export class StoredHash {
  readonly #cache: number
  readonly #key = new Uint32Array(2)
  #sumHigh = 0
  #sumLow = 0

  constructor(cache: string) {
    this.#cache = hashString(cache)
  }

  /** Of the next entry. @throws TypeError when that is no UTF-8 */
  begin(bytes: Uint8Array, keyStart: number, keyEnd: number): void {
    hashUtf8To(bytes, keyStart, keyEnd, this.#key)
    this.#sumHigh = 0
    this.#sumLow = 0
  }

  /** A field that is the text of these bytes. @throws TypeError when they are no UTF-8 */
  addText(name: MixedName, bytes: Uint8Array, start: number, end: number): void {
    hashUtf8To(bytes, start, end, parts)
    mix(parts[0] as number, parts[1] as number, 0, 1, 0)
    this.#add(name)
  }

  addNumber(name: MixedName, value: number): void {
    hashNumber(value, 7)
    this.#add(name)
  }

  addValue(name: MixedName, value: unknown): void {
    hashValue(value, depthMax - 1)
    this.#add(name)
  }

  of(version: number, position: number): number {
    mix(this.#sumHigh, this.#sumLow, 0, 10, 0)
    const key = (this.#key[0] as number) * 0x100000000 + (this.#key[1] as number)
    return storedHashOf(versionHash(version), this.#cache, key, position)
  }

  #add(name: MixedName): void {
    becomeField(name)
    const low = this.#sumLow + resultLow
    this.#sumLow = low >>> 0
    this.#sumHigh = (this.#sumHigh + resultHigh + (low > 0xffffffff ? 1 : 0)) & 0xfffff
  }
}

/** The sum of the fields' hashes, of 52 bits: it needs no order. */
function hashFields(value: Readonly<Record<string, unknown>>, depth: number): void {
  let sumHigh = 0
  let sumLow = 0
  for (const name in value) {
    const field = value[name]
    if (field === undefined) continue
    hashValue(field, depth)
    becomeField(mixedName(name))
    const low = sumLow + resultLow
    sumLow = low >>> 0
    sumHigh = (sumHigh + resultHigh + (low > 0xffffffff ? 1 : 0)) & 0xfffff
  }
  mix(sumHigh, sumLow, 0, 10, 0)
}
