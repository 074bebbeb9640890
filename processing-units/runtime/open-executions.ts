import type { Execution } from './execution.ts'

/** What stands under a key: emptied as it goes, for the same reason. */
interface Keyed {
  execution: Execution | undefined
}

/**
 * Executions whose callers wait, the oldest first, and by idempotency key. A list through the
 * executions themselves: a set makes itself anew as they come and go, and each table of it that is
 * thrown away refers to the next one, so that once one has grown old in memory, what stood in those
 * behind it grows old with it.
 */
export class OpenExecutions {
  #first: Execution | undefined
  #last: Execution | undefined
  #size = 0
  readonly #byKey = new Map<string, Keyed>()

  get size(): number {
    return this.#size
  }

  /** The latest one with this key. */
  withKey(key: string | undefined): Execution | undefined {
    return key === undefined ? undefined : this.#byKey.get(key)?.execution
  }

  /** One that is in no list. */
  add(execution: Execution): void {
    const { idempotencyKey } = execution
    if (idempotencyKey !== undefined) this.#byKey.set(idempotencyKey, { execution })
    const last = this.#last
    execution.older = last
    if (last) last.younger = execution
    else this.#first = execution
    this.#last = execution
    this.#size++
  }

  /** One that is in this list. */
  delete(execution: Execution): void {
    const { older, younger, idempotencyKey } = execution
    if (idempotencyKey !== undefined) this.#forgetKey(idempotencyKey, execution)
    if (older) older.younger = younger
    else this.#first = younger
    if (younger) younger.older = older
    else this.#last = older
    execution.older = undefined
    execution.younger = undefined
    this.#size--
  }

  #forgetKey(key: string, execution: Execution): void {
    const keyed = this.#byKey.get(key)
    if (keyed?.execution !== execution) return
    keyed.execution = undefined
    this.#byKey.delete(key)
  }

  /** Those whose deadline is `now`, in monotonic ms, or before; the oldest first. */
  expired(now: number): Execution[] {
    const expired: Execution[] = []
    for (let at = this.#first; at; at = at.younger) if (at.deadline <= now) expired.push(at)
    return expired
  }

  /** The oldest first; as they are now, whatever is deleted meanwhile. */
  all(): Execution[] {
    const all: Execution[] = []
    for (let at = this.#first; at; at = at.younger) all.push(at)
    return all
  }
}
