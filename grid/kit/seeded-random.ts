import { base62Id } from '../drivers/system/base62-id.ts'
import type { Random } from '../engine/ports/random.ts'

/**
 * The same sequence for the same seed, for tests and the simulator. The generator is sfc32 (Chris
 * Doty-Humphrey, PractRand): small, fast, and good enough for everything but secrets.
 */
export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #counter = 1
  readonly #nextByte = (): number => this.uint32() & 0xff

  constructor(seed: number) {
    this.#a = 0x9e3779b9
    this.#b = seed >>> 0
    this.#c = Math.floor(seed / 0x1_0000_0000) >>> 0
    // Neighbouring seeds start alike; a dozen rounds take them apart.
    for (let round = 0; round < 12; round++) this.uint32()
  }

  uint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result >>> 0
  }

  integer(): number {
    return (this.uint32() & 0x1fffff) * 0x1_0000_0000 + this.uint32()
  }

  /** An integer in [0, limit), for limits up to 2^32. */
  below(limit: number): number {
    return Math.floor((this.uint32() / 0x1_0000_0000) * limit)
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.uint32() < probability * 0x1_0000_0000
  }

  id(): string {
    return base62Id(this.#nextByte)
  }
}
