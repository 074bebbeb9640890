import type { AnyCommand } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { growthOf } from '@spacegrid/grid/core/growth'
import type { Step, TransactionRecord } from '@spacegrid/grid/core/steps'
import type { View } from '@spacegrid/grid/core/view'
import type { Caller } from '@spacegrid/grid/doors/request/caller'
import {
  criticalShare,
  type MemoryWatch,
  memoryFull,
} from '@spacegrid/grid/engine/memory/memory-watch'
import type { LoadControl, Underway } from './overload/load-control.ts'
import type { UnitOptions } from './unit-options.ts'

/**
 * Decides what a unit takes on: commands before their handlers run, transactions before they are
 * sent.
 */
export interface Admission {
  /**
   * Whether a command is executed, before anything has been done for it.
   * @param caller undefined: the process itself
   * @param withinMs time that is left for it
   * @param now monotonic ms
   * @throws GridError `not_ready`, `log_unavailable`, `overloaded`
   */
  enter(command: AnyCommand, caller: Caller | undefined, withinMs: number, now: number): void
  /**
   * The same, as far as it can be said before anything of the request has been read.
   * @throws GridError `overloaded`
   */
  enterEarly(command: AnyCommand, caller: Caller): void
  /**
   * Whether a transaction is sent: only behind its handler is it known what it brings.
   * @param written bytes of its content, as its recorder has counted them
   * Returns the bytes that are to be given back to `settled` when its outcome is known.
   * @throws GridError `transaction_too_large`, `memory_full`, `overloaded`
   */
  admit(record: TransactionRecord, written: number, inputBytes: number): number
  settled(bytes: number): void
}

/** How it goes with a unit, as far as commands depend on it. */
export interface UnitCondition extends Underway {
  /** Why commands have no chance just now. */
  unfit(): GridError | undefined
}

export interface AdmissionParts {
  readonly condition: UnitCondition
  /** Over which the growth of a transaction is counted. */
  readonly view: View
  /** Whether there is room in every process of the space. Left out: always. */
  readonly memory: MemoryWatch | undefined
  readonly load: LoadControl
}

/**
 * Admission by what is under way: what comes through a door as long as it is worked on in time
 * (`LoadControl`), and by fixed bounds, the same for every command and caller: of the commands that
 * wait, of the bytes that are on their way, and, while some process of the space is near its
 * memory's budget, only of what makes room or keeps it as it is. architecture.md, invariant 10.
 */
export class BoundedAdmission implements Admission {
  readonly #condition: UnitCondition
  readonly #view: View
  readonly #options: UnitOptions
  readonly #memory: MemoryWatch | undefined
  readonly #load: LoadControl
  #pendingBytes = 0

  constructor({ condition, view, memory, load }: AdmissionParts, options: UnitOptions) {
    this.#condition = condition
    this.#view = view
    this.#options = options
    this.#memory = memory
    this.#load = load
  }

  enter(command: AnyCommand, caller: Caller | undefined, withinMs: number, now: number): void {
    const { pendingMax, pendingBytesMax } = this.#options
    const unfit = this.#condition.unfit()
    if (unfit) throw unfit
    if (this.#condition.pendingCount >= pendingMax)
      throw this.#overBound(command, `${pendingMax} commands are waiting`)
    if (this.#pendingBytes >= pendingBytesMax)
      throw this.#overBound(command, 'Too many bytes of commands are waiting')
    if (caller) this.#load.enter(command, caller, this.#condition, withinMs, now)
  }

  enterEarly(command: AnyCommand, caller: Caller): void {
    this.#load.enterEarly(command, caller, this.#condition)
  }

  #overBound(command: AnyCommand, message: string): GridError {
    return this.#load.refusedByBound(command, this.#condition, message)
  }

  admit({ steps }: TransactionRecord, written: number, inputBytes: number): number {
    const { transactionBytesMax, pendingBytesMax } = this.#options
    if (written > transactionBytesMax) throw tooLarge(written, transactionBytesMax)
    // The input is kept for the case that it has to be executed again.
    const bytes = written + inputBytes
    this.#checkRoom(steps)
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > pendingBytesMax)
      throw overloaded(`${this.#pendingBytes} bytes of commands are waiting`)
    this.#pendingBytes += bytes
    return bytes
  }

  #checkRoom(steps: readonly Step[]): void {
    const fullest = this.#memory?.fullest
    if (!fullest) return
    const { entries, remembered } = growthOf(this.#view, steps)
    // What is remembered is small and forgotten by itself: it must not keep commands with an
    // idempotency key from making room.
    const growth = fullest.share < criticalShare ? entries : entries + remembered
    if (growth > 0) throw memoryFull(fullest)
  }

  settled(bytes: number): void {
    this.#pendingBytes -= bytes
  }
}

const overloaded = (message: string): GridError =>
  new GridError('overloaded', message, { retryAfterMs: 1000 })

export function tooLarge(bytes: number, limit: number): GridError {
  return new GridError(
    'transaction_too_large',
    `The transaction has ${bytes} bytes; the limit is ${limit}`,
    { details: { bytes, limit } },
  )
}
