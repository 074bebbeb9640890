import { GridError } from '@spacegrid/grid/core/errors'
import { growthOf } from '@spacegrid/grid/core/growth'
import type { Step, TransactionRecord } from '@spacegrid/grid/core/steps'
import type { View } from '@spacegrid/grid/core/view'
import {
  criticalShare,
  type MemoryWatch,
  memoryFull,
} from '@spacegrid/grid/engine/memory/memory-watch'
import type { UnitOptions } from './unit-options.ts'

/**
 * Decides whether a transaction may be sent: only behind its handler is it known what it brings. Bounds the bytes that are on their way, and, while some process
 * of the space is near its memory's budget, lets only those pass that make room or keep it as it is. architecture.md, invariant 10.
 */
export class Admission {
  readonly #view: View
  readonly #options: UnitOptions
  readonly #memory: MemoryWatch | undefined
  #pendingBytes = 0

  constructor(view: View, options: UnitOptions, memory: MemoryWatch | undefined) {
    this.#view = view
    this.#options = options
    this.#memory = memory
  }

  get isBacklogged(): boolean {
    return this.#pendingBytes >= this.#options.pendingBytesMax
  }

  /**
   * @param written bytes of its content, as its recorder has counted them
   * Returns the bytes that are to be given back to `settled` when its outcome is known.
   * @throws GridError `transaction_too_large`, `memory_full`, `overloaded`
   */
  admit({ steps }: TransactionRecord, written: number, inputBytes: number): number {
    const { transactionBytesMax, pendingBytesMax } = this.#options
    if (written > transactionBytesMax) throw tooLarge(written, transactionBytesMax)
    // The input is kept for the case that it has to be executed again.
    const bytes = written + inputBytes
    this.#checkRoom(steps)
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > pendingBytesMax)
      throw new GridError('overloaded', `${this.#pendingBytes} bytes of commands are waiting`, {
        retryAfterMs: 1000,
      })
    this.#pendingBytes += bytes
    return bytes
  }

  #checkRoom(steps: readonly Step[]): void {
    const fullest = this.#memory?.fullest
    if (!fullest) return
    const { entries, remembered } = growthOf(this.#view, steps)
    // What is remembered is small and forgotten by itself: it must not keep commands with an idempotency key from making room.
    const growth = fullest.share < criticalShare ? entries : entries + remembered
    if (growth > 0) throw memoryFull(fullest)
  }

  settled(bytes: number): void {
    this.#pendingBytes -= bytes
  }
}

export function tooLarge(bytes: number, limit: number): GridError {
  return new GridError(
    'transaction_too_large',
    `The transaction has ${bytes} bytes; the limit is ${limit}`,
    { details: { bytes, limit } },
  )
}
