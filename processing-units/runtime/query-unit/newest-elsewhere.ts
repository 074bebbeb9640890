import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import { parseJsonInput } from '@spacegrid/grid/doors/request/json-input'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import { hedgedRequest } from '@spacegrid/grid/engine/replica/hedged-request'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { StoreAsking } from '../archive/store-asking.ts'

const againMs = 250
const nothing = new Uint8Array()

/**
 * Where the log ends for certain, of a unit that must not write to it: a unit that takes commands
 * lets a check pass through the log and says at which position it was. That is the read index of
 * Raft (Ongaro, *Consensus: Bridging Theory and Practice*, section 6.4). One question is under way
 * at a time, and the next one is for all who have come meanwhile.
 */
export class NewestElsewhere {
  readonly #asking: StoreAsking
  readonly #clock: Clock
  readonly #waitMsMax: number
  #current: Promise<unknown> = Promise.resolve()
  #next: Promise<number> | undefined

  constructor(asking: StoreAsking, clock: Clock, waitMsMax: number) {
    this.#asking = asking
    this.#clock = clock
    this.#waitMsMax = waitMsMax
  }

  /**
   * Everything that was stored when this was called is at the position or below.
   * @throws GridError `not_ready` when there is no unit that takes commands, `position_timeout`
   */
  ask(): Promise<number> {
    // The one under way may have passed through the log before what this caller has to see.
    this.#next ??= this.#current.then(
      () => this.#begin(),
      () => this.#begin(),
    )
    return this.#next
  }

  #begin(): Promise<number> {
    this.#next = undefined
    const asked = this.#askOnce()
    this.#current = asked
    return asked
  }

  async #askOnce(): Promise<number> {
    const { messaging, logName } = this.#asking
    const options = { timeoutMs: this.#waitMsMax, againMs }
    try {
      const subject = subjects.newest(logName)
      const { data } = await hedgedRequest(messaging, this.#clock, subject, nothing, options)
      return newestIn(parseJsonInput(data))
    } catch (error) {
      if (isGridError(error, 'request_timeout'))
        throw new GridError('position_timeout', 'The newest position was not told in time', {
          ...{ cause: error, retryAfterMs: 500 },
        })
      if (!isGridError(error, 'no_responder')) throw error
      throw new GridError(
        'not_ready',
        `The latest state of ${logName} is known through a unit that takes commands, and none is there`,
        { cause: error, retryAfterMs: 1000 },
      )
    }
  }
}

function newestIn(told: unknown): number {
  const { position } = Object(told)
  if (Number.isSafeInteger(position)) return position
  throw new GridError('record_damaged', 'What was told of the newest position is no position')
}
