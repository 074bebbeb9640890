import type { Static } from '@spacegrid/grid/core/data-types'
import { GridError } from '@spacegrid/grid/core/errors'
import type { OutboxEntry } from '@spacegrid/grid/core/outbox'
import type { Process } from '@spacegrid/grid/core/process'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { checkFits } from '@spacegrid/grid/core/validation'
import { Type } from 'typebox'
import { foreseenKey } from './order-key.ts'
import { outboxEntries, type Turned } from './outbox-commands.ts'
import { nextAct, revived } from './progress.ts'

const outboxAsked = Type.Union([
  Type.Object({
    what: Type.Literal('list'),
    state: Type.Union([Type.Literal('dead'), Type.Literal('waiting'), Type.Literal('all')]),
    limit: Type.Integer({ minimum: 0 }),
  }),
  Type.Object({ what: Type.Literal('show'), id: Type.String() }),
  /** Dead letters, and what no version here declares. */
  Type.Object({
    what: Type.Union([Type.Literal('replay'), Type.Literal('drop')]),
    ids: Type.Array(Type.String()),
  }),
])

/** What operators ask of an outbox. */
export type OutboxAsked = Static<typeof outboxAsked>

/** @throws GridError `invalid_input` */
export function checkedAsk(asked: object): OutboxAsked {
  checkFits(outboxAsked, asked, 'what is asked of the outbox')
  return asked as OutboxAsked
}

/** An entry as operators see it. */
export interface OutboxLine {
  readonly id: string
  readonly reaction: string
  readonly event: string
  readonly key?: string
  readonly state: 'waiting' | 'dead' | 'undeclared'
  /** The step, or the compensation, that is next. */
  readonly next: string
  readonly attempts: number
  /** When its event was emitted, and since when it is dead, ms since the epoch. */
  readonly at: number
  readonly dead?: number
  readonly fault?: string
}

export interface OutboxList {
  /** Oldest first; at most as many as were asked for. */
  readonly entries: readonly OutboxLine[]
  /** How many there are. */
  readonly total: number
}

export interface OutboxAnswers {
  readonly list: OutboxList
  readonly show: OutboxLine & { readonly entry: OutboxEntry }
  readonly replay: { readonly done: readonly string[]; readonly not: readonly string[] }
}

/** What an operator can do with the outbox of one log. */
export class OutboxDesk {
  readonly #reactions: ReadonlyMap<string, Process>
  readonly #turn: (turned: Turned) => Promise<unknown>

  constructor(reactions: ReadonlyMap<string, Process>, turn: (turned: Turned) => Promise<unknown>) {
    this.#reactions = reactions
    this.#turn = turn
  }

  /** @throws GridError `not_found`; what writing it down may meet */
  async answer(state: SpaceState, now: number, asked: OutboxAsked): Promise<unknown> {
    const entries = [...(outboxEntries(state)?.values() ?? [])]
      .map(({ value }) => value as OutboxEntry)
      .sort((one, other) => one.at - other.at)
    if (asked.what === 'list') {
      const meant = entries
        .map((entry) => this.#line(entry))
        .filter(
          (line) =>
            asked.state === 'all' || (line.state !== 'waiting') === (asked.state === 'dead'),
        )
      return { entries: meant.slice(0, asked.limit), total: meant.length } satisfies OutboxList
    }
    if (asked.what === 'show') {
      const entry = entries.find(({ id }) => id === asked.id)
      if (!entry)
        throw new GridError('not_found', `There is no ${asked.id} in the outbox: it may be done`)
      return { ...this.#line(entry), entry } satisfies OutboxAnswers['show']
    }
    const done: string[] = []
    for (const entry of entries) {
      if (!asked.ids.includes(entry.id) || this.#line(entry).state === 'waiting') continue
      const next = asked.what === 'drop' ? null : revived(entry, now)
      await this.#turn({ id: entry.id, turn: entry.turn, next })
      done.push(entry.id)
    }
    const not = asked.ids.filter((id) => !done.includes(id))
    return { done, not } satisfies OutboxAnswers['replay']
  }

  #line(entry: OutboxEntry): OutboxLine {
    const { id, reaction, event, attempts, at, dead, fault } = entry
    const process = this.#reactions.get(reaction)
    const next = process && nextAct(process, entry)
    const state = next ? (dead === undefined ? 'waiting' : 'dead') : 'undeclared'
    return {
      ...{ id, reaction, event, state, attempts, at },
      next: next ? `${next.isUndo ? 'undo of ' : ''}${next.name}` : (entry.step ?? ''),
      ...this.#keyOf(entry, process),
      ...(dead === undefined ? {} : { dead }),
      ...(fault === undefined ? {} : { fault }),
    }
  }

  #keyOf(entry: OutboxEntry, process: Process | undefined): { key?: string } {
    const key = process && foreseenKey(process, entry)
    return key === undefined ? {} : { key }
  }
}
