/**
 * 53-bit hash of a string: two multiplicative hashes over its UTF-16 code units (FNV-1a, and the
 * same with MurmurHash2's constant), each finished by MurmurHash3's finalizer. 32 bits would not
 * do: among a million keys that one transaction has put, all of one version, a hundred pairs would
 * look the same to every digest.
 */
export function hashString(text: string): number {
  hashStringTo(text, halves)
  return (halves[0] as number) * 0x100000000 + (halves[1] as number)
}

const halves = new Uint32Array(2)

/** The same in its two halves: the upper 21 bits, the lower 32. */
export function hashStringTo(text: string, to: Uint32Array): void {
  let left = leftStart
  let right = rightStart
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    left = Math.imul(left ^ unit, leftFactor)
    right = Math.imul(right ^ unit, rightFactor)
  }
  to[0] = finalize(right) & 0x1fffff
  to[1] = finalize(left)
}

/**
 * `hashStringTo` of the text that these bytes are in UTF-8.
 * @throws TypeError when they are none
 */
export function hashUtf8To(utf8: Uint8Array, start: number, end: number, to: Uint32Array): void {
  let left = leftStart
  let right = rightStart
  for (let i = start; i < end; i++) {
    const unit = utf8[i] as number
    // Of several bytes.
    if (unit > 0x7f) {
      hashStringTo(strictly.decode(utf8.subarray(start, end)), to)
      return
    }
    left = Math.imul(left ^ unit, leftFactor)
    right = Math.imul(right ^ unit, rightFactor)
  }
  to[0] = finalize(right) & 0x1fffff
  to[1] = finalize(left)
}

const strictly = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

const leftStart = 0x811c9dc5
const rightStart = 0x2f0b4c47
const leftFactor = 0x01000193
const rightFactor = 0x5bd1e995

/**
 * Hashes texts that begin alike, given as the bytes of their ends, without making strings of them.
 */
export class PrefixHash {
  readonly #prefix: string
  #left = leftStart
  #right = rightStart

  constructor(prefix: string) {
    this.#prefix = prefix
    for (let i = 0; i < prefix.length; i++) {
      this.#left = Math.imul(this.#left ^ prefix.charCodeAt(i), leftFactor)
      this.#right = Math.imul(this.#right ^ prefix.charCodeAt(i), rightFactor)
    }
  }

  /** `hashString` of the prefix and the text that these bytes are in UTF-8. */
  of(utf8: Uint8Array): number {
    let left = this.#left
    let right = this.#right
    for (let i = 0; i < utf8.length; i++) {
      const unit = utf8[i] as number
      // Of several bytes.
      if (unit > 0x7f) return hashString(this.#prefix + decoder.decode(utf8))
      left = Math.imul(left ^ unit, leftFactor)
      right = Math.imul(right ^ unit, rightFactor)
    }
    return (finalize(right) & 0x1fffff) * 0x100000000 + finalize(left)
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * MurmurHash3's 32-bit finalizer: every input bit changes every output bit with probability one
 * half.
 */
function finalize(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** The bits above the lowest 32 of a non-negative integer below 2^53, and those. */
export const high = (n: number): number => (n / 0x100000000) >>> 0
export const low = (n: number): number => n >>> 0

/** Mixes two non-negative integers below 2^53 and a salt into 32 bits. */
export const mix32 = (a: number, b: number, salt: number): number =>
  mixSecond(mixFirst(high(a), low(a), salt), high(b), low(b))

/**
 * The same in two steps, the integers in halves: what is mixed many times is taken apart once, and
 * no half leaves a register.
 */
export const mixFirst = (aHigh: number, aLow: number, salt: number): number =>
  finalize(finalize(aLow ^ salt) ^ Math.imul(aHigh + 0x9e3779b9, 0x27d4eb2f))

export function mixSecond(first: number, bHigh: number, bLow: number): number {
  const h = finalize(first ^ Math.imul(bLow + 0x165667b1, 0x85ebca77))
  return finalize(h ^ Math.imul(bHigh + 0x2545f491, 0xc2b2ae3d))
}

/** Mixes a third one in, in place of a salt. */
export const mix53With = (a: number, b: number, c: number): number =>
  (mix32(a, b, high(c) ^ 0x5bd1e995) & 0x1fffff) * 0x100000000 + mix32(a, b, low(c)) || 1

/**
 * Mixes two non-negative integers below 2^53 into one in [1, 2^53): identities must not be 0, which
 * means "no entry".
 */
export function mix53(a: number, b: number, salt: number): number {
  return (mix32(a, b, salt) & 0x1fffff) * 0x100000000 + mix32(a, b, salt ^ 0x5bd1e995) || 1
}
