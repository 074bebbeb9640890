import { randomFillSync } from 'node:crypto'
import type { Random } from '../../engine/ports/random.ts'
import { base62Id } from './base62-id.ts'

const bufferBytes = 8192

/**
 * Randomness from the operating system's generator, fetched some kilobytes at a time: asking it for
 * each identifier would cost more than a whole transaction.
 */
export class SystemRandom implements Random {
  readonly #bytes = Buffer.alloc(bufferBytes)
  #used = bufferBytes
  readonly #nextByte = (): number => this.#bytes[this.#take(1)]!

  integer(): number {
    const at = this.#take(7)
    const high = this.#bytes.readUIntLE(at, 3) & 0x1fffff
    return high * 0x1_0000_0000 + this.#bytes.readUInt32LE(at + 3)
  }

  id(): string {
    return base62Id(this.#nextByte)
  }

  /** Offset of `count` bytes that nobody has been given before. */
  #take(count: number): number {
    if (this.#used + count > bufferBytes) {
      randomFillSync(this.#bytes)
      this.#used = 0
    }
    const at = this.#used
    this.#used += count
    return at
  }
}
