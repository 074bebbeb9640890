import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { type Accepted, type Answer, GridClient, type Rejected } from 'spacegrid/client'
import { poolTransport } from 'spacegrid/load/pool-transport'

/** What became of a request. */
export interface Told {
  /** undefined: nobody answered it for good. */
  readonly answer: Accepted | Rejected | undefined
  /** An attempt had no answer: it may be under way still, and take effect later. */
  readonly mayBeOpen: boolean
}

export interface Patience {
  /** Asks again, with the same key, for as long; in ms. */
  readonly untilMs: number
  /** Gives up at the first attempt whose outcome is unknown, as a client does that crashes. */
  readonly isHasty: boolean
}

/**
 * A unit that has not answered by then may be paused: another one is asked. First a little early,
 * so that both may be about it, then with the patience of a client that does not make it worse.
 */
const hastyMs = 700
const patientMs = 6000
/** Longer than the transport waits, which is what tells. */
const waitMsMax = 600_000
const retryMs = 60
const space = 'histories'

/**
 * Ways to a grid's units, each by a door of its own. A request that had no answer goes to another
 * unit, with the same idempotency key: the first one may be paused, and go on later.
 */
export class UnitCallers {
  /** Why requests were sent again, and how often. */
  readonly retried = new Map<string, number>()
  /** Answers, and waits without one, that no fault of the world excuses. */
  readonly bugs: string[] = []
  readonly #hasty: readonly GridClient[]
  readonly #patient: readonly GridClient[]

  /** @param connections most at a time to each */
  constructor(urls: readonly string[], connections: number) {
    const retry = { retriesMax: 0, retryAfterMaxMs: 0 }
    const clientsOf = (timeoutMs: number) =>
      urls.map((url) => {
        const transport = poolTransport(url, { connections, timeoutMs })
        return new GridClient(url, { timeoutMs: waitMsMax, retry, transport })
      })
    this.#hasty = clientsOf(hastyMs)
    this.#patient = clientsOf(patientMs)
  }

  command(name: string, input: object, patience: Patience, random: SeededRandom): Promise<Told> {
    const idempotencyKey = random.id()
    return this.#ask(
      (unit) => unit.answerOfCommand(space, name, input, { idempotencyKey }),
      patience,
      random,
    )
  }

  /** Of the latest state: what is read is nothing that had passed when it was asked for. */
  latest(name: string, input: object, patience: Patience, random: SeededRandom): Promise<Told> {
    return this.#ask(
      (unit) => unit.answerOfQuery(space, name, input, { from: 'latest' }),
      patience,
      random,
    )
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hasty, ...this.#patient].map((unit) => unit.stop()))
  }

  async #ask(
    send: (unit: GridClient) => Promise<Answer>,
    { untilMs, isHasty }: Patience,
    random: SeededRandom,
  ): Promise<Told> {
    const until = performance.now() + untilMs
    let mayBeOpen = false
    while (performance.now() < until) {
      const units = mayBeOpen ? this.#patient : this.#hasty
      const answer = await send(units[random.below(units.length)] as GridClient)
      if (answer.kind === 'accepted' || answer.kind === 'rejected') return { answer, mayBeOpen }
      mayBeOpen ||= answer.outcomeUnknown
      this.#count(answer)
      if (mayBeOpen && isHasty) return { answer: undefined, mayBeOpen }
      await sleep(retryMs * (0.5 + random.below(1000) / 1000))
    }
    this.bugs.push(`a request had no answer for ${untilMs / 1000} s`)
    return { answer: undefined, mayBeOpen }
  }

  #count(answer: Exclude<Answer, Accepted | Rejected>): void {
    const { reason } = answer
    this.retried.set(reason, (this.retried.get(reason) ?? 0) + 1)
    const status = answer.kind === 'failed' ? answer.status : 503
    if (status !== undefined && (status < 500 || status === 500)) this.bugs.push(reason)
  }
}
