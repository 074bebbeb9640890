import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { Hold } from '@spacegrid/grid/core/hold'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Verdict } from '@spacegrid/grid/core/steps'
import type { AskPart } from './ask-part.ts'
import type { Followed } from './part-messages.ts'

/** What is looked after: a partition whose home this unit is. */
export interface Cared {
  readonly partition: number
  readonly state: SpaceState
}

export interface HoldCareParts {
  readonly ask: AskPart
  /** What time it is in the logs, ms. */
  readonly logNow: () => number
  /** Partitions whose home this unit is just now. */
  readonly homes: () => readonly Cared[]
}

/** Of what one look asks, ms. */
const withinMs = 2000
/** Attempts that are looked after at the same time. */
const careMax = 64
/** A commit that nobody has forgotten by then has lost its coordinator; ms of log time. */
const forgottenMs = 10_000

/**
 * Looks after what coordinators have left behind. A hold that has outlived its time: the
 * coordinator's log is asked for a verdict, by appending one, and whatever that log says is done. A
 * commit that nobody has forgotten: it is finished everywhere, and forgotten. Whoever is home of a
 * partition does so; two at a time do no harm. So nothing is blocked by a dead unit for longer than
 * a prepare may take to land, only by a log that cannot be reached.
 */
export class HoldCare {
  readonly #parts: HoldCareParts
  readonly #under = new Set<string>()
  /** Attempts that were finished for others here. */
  recovered = 0

  constructor(parts: HoldCareParts) {
    this.#parts = parts
  }

  /** Called often. */
  look(): void {
    const { homes, logNow } = this.#parts
    const now = logNow()
    for (const { partition, state } of homes()) {
      if (state.holds.size > 0)
        for (const hold of state.holds.all())
          if (now > hold.notAfter)
            this.#care(`${partition}/${hold.attempt}`, () => this.#finish(partition, hold))
      const { commits } = state.layout
      if (commits < 0) continue
      for (const { key, value } of state.cache(commits).entries.values()) {
        if (now < Number(value.decidedAt) + forgottenMs) continue
        const participants = value.participants as readonly number[]
        const others = participants.filter((other) => other !== partition)
        this.#care(`${partition}/${key}`, () => this.#forget(partition, key, others))
      }
    }
  }

  #care(name: string, work: () => Promise<void>): void {
    if (this.#under.has(name) || this.#under.size >= careMax) return
    this.#under.add(name)
    work()
      .catch((error: unknown) => {
        // Not to be reached just now: it is looked for again.
        if (!isGridError(error)) throw error
      })
      .finally(() => this.#under.delete(name))
  }

  async #finish(partition: number, { attempt, coordinator, notAfter }: Hold): Promise<void> {
    const verdict = { attempt, verdict: 'abort', asked: true, notAfter }
    const { fate } = await this.#ask(coordinator, 'decide', verdict)
    // By the clock of that log its prepare might still land: asked again later.
    if (fate !== 'commit' && fate !== 'abort') return
    this.recovered++
    if (partition !== coordinator) await this.#finishAt(partition, attempt, fate)
  }

  async #forget(partition: number, attempt: string, others: readonly number[]): Promise<void> {
    await Promise.all(others.map((other) => this.#finishAt(other, attempt, 'commit')))
    await this.#ask(partition, 'forget', { attempt })
    this.recovered++
  }

  async #finishAt(partition: number, attempt: string, verdict: Verdict): Promise<void> {
    await this.#ask(partition, 'finish', { attempt, verdict })
  }

  async #ask(
    partition: number,
    operation: 'decide' | 'finish' | 'forget',
    asked: object,
  ): Promise<Followed> {
    const answer = await this.#parts.ask({ partition, operation, asked, withinMs, isOnce: false })
    if (typeof answer !== 'object' || answer === null)
      throw new GridError('internal', `Nobody has done ${operation} in partition ${partition}`)
    return answer as Followed
  }
}
