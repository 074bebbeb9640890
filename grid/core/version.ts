import { high, low, mix53, mix53With, mixFirst, mixSecond } from './hash.ts'

/** Version of an entry that does not exist. */
export const absentVersion = 0

/**
 * A transaction's identity, made at its origin before the transaction is ordered: `origin` is the
 * log position at which the origin joined, `number` counts its transactions. Two transactions share
 * an identity with probability 2^-53; it would matter only if they wrote the same entry in turn.
 */
export const transactionId = (origin: number, number: number): number =>
  mix53(origin, number, 0x1b873593)

/**
 * The version an operation leaves: its outcome depends on the entry it meets, so the version is
 * derived from both; and from its place among its transaction's steps, for which of two claims got
 * the entry makes a difference too. architecture.md, invariant 2.
 */
export const derivedVersion = (id: number, step: number, previous: number): number =>
  mix53(id, previous, 0x38b34ae5 ^ Math.imul(step, 0x9e3779b1))

/**
 * Order-dependent digest of (key, version) pairs: what a range read or an operation's prediction is
 * validated by.
 */
export function digestPairs(
  pairs: readonly { readonly keyHash: number; readonly version: number }[],
): number {
  let digest = pairs.length + 1
  for (const { keyHash, version } of pairs) digest = mix53With(digest, version, keyHash)
  return digest
}

/**
 * Incremental, order-independent digest of a replica's entries (64 bits: the exclusive or of a hash
 * of each entry's cache, key and version). Equal states have equal digests; different ones differ
 * with probability 1 - 2^-64 per comparison.
 */
export class Digest {
  #left = 0
  #right = 0

  /** Adds an entry, or removes one added before. */
  toggle(cache: number, keyHash: number, version: number): void {
    const versionHigh = high(version)
    const versionLow = low(version)
    const keyHigh = high(keyHash)
    const keyLow = low(keyHash)
    const left = mixFirst(versionHigh, versionLow, Math.imul(cache + 1, 0x9e3779b1))
    const right = mixFirst(versionHigh, versionLow, Math.imul(cache + 1, 0x85ebca77) ^ 0x7f4a7c15)
    this.#left ^= mixSecond(left, keyHigh, keyLow)
    this.#right ^= mixSecond(right, keyHigh, keyLow)
  }

  /**
   * Adds or removes everything that has been added to or removed from another one, which began
   * empty.
   */
  join(other: Digest): void {
    this.#left ^= other.#left
    this.#right ^= other.#right
  }

  /** The two halves, 32 bits each: what a history of digests keeps of it, at every position. */
  get left(): number {
    return this.#left
  }

  get right(): number {
    return this.#right
  }

  toString(): string {
    return digestText(this.#left, this.#right)
  }
}

/** 16 hex digits. */
export function digestText(left: number, right: number): string {
  const hex = (n: number) => (n >>> 0).toString(16).padStart(8, '0')
  return hex(left) + hex(right)
}
