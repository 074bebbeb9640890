import { GridError } from '@spacegrid/grid/core/errors'
import type { Member } from '@spacegrid/grid/engine/placement/member'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { PassedRequest } from './passed-request.ts'
import { hasNotBegun } from './passed-requests.ts'
import type { Passing } from './passing.ts'

/** On top of what whoever is asked may take: the way there and back. */
export const hopMsMax = 1000

/** What is to be done somewhere: how it is done here, and what is sent to be done elsewhere. */
export interface Ask<Answer> {
  readonly request: PassedRequest
  /** ms that it may take. */
  readonly withinMs: number
  /** Asked once more elsewhere it may be done twice. */
  readonly isOnce: boolean
  /** undefined: not here. */
  here(withinMs: number): Promise<Answer> | undefined
}

/** Asks several that can answer, one after the other, this process among them. */
export class Asking {
  readonly #self: number
  readonly #passing: Passing
  readonly #clock: Clock
  readonly #random: Random

  /** @param self this process, as it is known by presence */
  constructor(
    self: number,
    passing: Passing,
    { clock, random }: { readonly clock: Clock; readonly random: Random },
  ) {
    this.#self = self
    this.#passing = passing
    this.#clock = clock
    this.#random = random
  }

  /**
   * Each is asked until one has an answer.
   * @param nobody what it comes to when nobody has begun with it
   */
  async inOrder<Answer>(
    members: readonly Member[],
    ask: Ask<Answer>,
    nobody: (why: GridError | undefined) => GridError,
  ): Promise<Answer> {
    const { request, isOnce } = ask
    const until = this.#clock.monotonic() + ask.withinMs
    let why: GridError | undefined
    let unknown: GridError | undefined
    for (const member of members) {
      const leftMs = until - this.#clock.monotonic()
      if (leftMs <= 0) break
      if (member.id === this.#self) {
        try {
          const answer = ask.here(leftMs)
          if (answer) return await answer
        } catch (error) {
          if (!hasNotBegun(error)) throw unknown ?? error
          why = error
        }
        continue
      }
      // With an idempotency key too: of a message that comes twice the first may be refused.
      const isNumbered = isOnce || request.kind === 'command'
      const id = isNumbered ? this.#random.id() : undefined
      const asked = { ...request, withinMs: leftMs, id }
      const passed = await this.#passing.pass(member, asked, leftMs + hopMsMax)
      if (passed.kind === 'answer') return passed.answer as Answer
      if (passed.kind === 'error') {
        // Whoever was asked before may do it yet: that another one has refused says nothing.
        if (!hasNotBegun(passed.error)) throw unknown ?? passed.error
        why = passed.error
      } else if (passed.kind === 'unknown') {
        if (isOnce) throw outcomeUnknown(member, passed.error)
        if (request.kind === 'command' || request.kind === 'part')
          unknown = outcomeUnknown(member, passed.error)
        why = passed.error
      }
    }
    throw unknown ?? nobody(why)
  }
}

const outcomeUnknown = ({ name }: Member, cause: GridError): GridError =>
  new GridError('outcome_unknown', `${name}, to which it was passed on, has not answered`, {
    cause,
  })
