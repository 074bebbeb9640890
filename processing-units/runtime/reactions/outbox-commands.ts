import { defineCommand, Type } from '@spacegrid/grid/core/define'
import type { AnyCommand, Space } from '@spacegrid/grid/core/definition'
import { Outbox, type OutboxEntry, outboxCache } from '@spacegrid/grid/core/outbox'
import type { SpaceState } from '@spacegrid/grid/core/space-state'

/** What follows from the events of a unit's commands; undefined: nothing does. */
export function outboxOf({ reactions }: Space, state: SpaceState, max: number): Outbox | undefined {
  if (!reactions) return undefined
  return new Outbox(reactions.values(), () => outboxEntries(state)?.size ?? 0, max)
}

/** undefined: the log knows of no outbox yet. */
export function outboxEntries(state: SpaceState) {
  const layout = state.layout.named(outboxCache.name)
  return layout && state.cache(layout.number).entries
}

/** How an entry of the outbox goes on; `next` is null: it is done with. */
export interface Turned {
  readonly id: string
  /** That of the entry which whoever asks has seen: another one is left as it is. */
  readonly turn: number
  readonly next: OutboxEntry | null
}

export interface WrittenDown {
  /** It was; somebody else was first otherwise. */
  readonly isDone: boolean
}

/** Writes down what has become of an entry of the outbox, unless somebody else has done so. */
export const turnReaction: AnyCommand = defineCommand('turnReaction', {
  input: Type.Object({
    id: Type.String(),
    turn: Type.Integer(),
    next: Type.Union([outboxCache.schema, Type.Null()]),
  }),
  partitionBy: { idOf: 'id' },
  handler: (tx, { id, turn, next }) => {
    const entry = tx.get(outboxCache, id)
    if (entry?.turn !== turn) return { isDone: false }
    if (next === null) tx.delete(outboxCache, id)
    else tx.put(outboxCache, next as OutboxEntry)
    return { isDone: true }
  },
})
