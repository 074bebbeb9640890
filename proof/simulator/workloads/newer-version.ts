import type { AnyCommand, Space } from '@spacegrid/grid/core/definition'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import { defineCache, defineCommand, Type } from 'spacegrid'

const notes = defineCache('simulatedNotes', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
})

const newerIndex = 'simulatedIndex'

/**
 * The same application one version later: one cache, one index and one command more. Its units run
 * beside those of the older version, which know nothing of them but meld them.
 */
export function newerVersion(space: Space): Space {
  const isEmpty = space.caches.length === 0
  const [first = notes as AnyCache, ...others] = space.caches
  const indexed = { ...first, indexes: { ...first.indexes, [newerIndex]: [first.key] } }
  const note: AnyCommand = defineCommand('simulatedNote', {
    input: Type.Object({ id: Type.String() }),
    handler: (tx, { id }) => {
      const seen = tx.range(indexed, newerIndex, { limit: 5 }).length
      const count = tx.increment(notes, id, 'count', seen, { initial: { id, count: 0 } })
      return { seen, count }
    },
  })
  return {
    ...space,
    caches: isEmpty ? [indexed] : [indexed, ...others, notes],
    commands: new Map([...space.commands, [note.name, note]]),
  }
}

export const newerCommand = 'simulatedNote'
