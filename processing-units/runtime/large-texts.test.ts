import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { defaultTransactionLimits } from '@spacegrid/grid/core/limits'
import type { Transaction } from '@spacegrid/grid/core/transaction'
import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, expect, test } from 'vitest'

const notes = defineCache('notes', {
  schema: Type.Object({
    id: Type.String(),
    text: Type.String(),
    tags: Type.Array(Type.String()),
    n: Type.Integer(),
  }),
  key: 'id',
  indexes: { byN: ['n'] },
})
const ways: Readonly<Record<string, (tx: Transaction, text: string) => object | undefined>> = {
  put: (tx, text) => void tx.put(notes, { id: 'a', text, tags: [], n: 1 }),
  append: (tx, text) => void tx.append(notes, 'a', 'tags', [text]),
  initial: (tx, text) =>
    void tx.increment(notes, 'b', 'n', 1, { initial: { id: 'b', text, tags: [], n: 1 } }),
  patch: (tx, text) => void tx.take(notes, 'byN', { limit: 1 }, { text }),
  emit: (tx, text) => void tx.emit('told', { text }),
  return: (_, text) => ({ text }),
}
const bring = defineCommand('bring', {
  input: Type.Object({ way: Type.String(), length: Type.Integer() }),
  handler: (tx, { way, length }) => ways[way]?.(tx, 'x'.repeat(length)),
})
const space = defineSpace('notes', { caches: [notes], commands: [bring], queries: [] })

const world = new UnitWorld(space)
afterEach(() => world.stop())

test('text beyond what a transaction may have is refused wherever it is brought, before it is kept', async () => {
  const transaction = { ...defaultTransactionLimits, charactersMax: 100 }
  const { unit, events } = await world.startReady({ transaction })
  for (const way of Object.keys(ways)) {
    await world.settled(unit.execute('bring', { way, length: 90 }))
    const fate = fateOf(unit.execute('bring', { way, length: 101 }))
    await world.clock.advance(5)
    expect(fate.error, way).toMatchObject({ code: 'transaction_too_large' })
  }
  expect(events.filter(({ kind }) => kind === 'failed' || kind === 'application_fault')).toEqual([])
})
