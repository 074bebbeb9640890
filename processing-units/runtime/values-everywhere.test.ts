import { isDeepStrictEqual } from 'node:util'
import { dataFault, takeData } from '@spacegrid/grid/core/data'
import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { isGridError } from '@spacegrid/grid/core/errors'
import type { Transaction } from '@spacegrid/grid/core/transaction'
import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const boxes = defineCache('boxes', {
  schema: Type.Object({
    id: Type.String(),
    n: Type.Integer(),
    v: Type.Any(),
    list: Type.Array(Type.Any()),
  }),
  key: 'id',
  indexes: { byN: ['n'] },
})

/** Handlers run in the test's own process: the value gets to them past every door. */
let given: unknown
let place: keyof typeof places
const id = 'box'
const empty = { id, n: 1, v: null, list: [] as unknown[] }

/** Every place at which a handler can hand over a value, and where it is then. */
const places = {
  'an entry': (tx: Transaction) => tx.put(boxes, { ...empty, v: given }),
  'the start of a counter': (tx: Transaction) => {
    tx.increment(boxes, id, 'n', 1, { initial: { ...empty, v: given } })
  },
  'an item': (tx: Transaction) => {
    tx.append(boxes, id, 'list', [given], { initial: empty })
  },
  'a patch': (tx: Transaction) => {
    tx.put(boxes, empty)
    tx.take(boxes, 'byN', { equals: [1], limit: 1 }, { v: given })
  },
  'an event': (tx: Transaction) => {
    tx.put(boxes, empty)
    tx.emit('Happened', { v: given })
  },
  'a result': (tx: Transaction) => {
    tx.put(boxes, empty)
    return { v: given }
  },
}

const where: Readonly<Record<keyof typeof places, (box: typeof empty) => unknown>> = {
  'an entry': (box) => box.v,
  'the start of a counter': (box) => box.v,
  'an item': (box) => box.list[0],
  'a patch': (box) => box.v,
  'an event': () => takeData(given),
  'a result': () => takeData(given),
}

const none = Type.Object({})
const space = defineSpace('everywhere', {
  caches: [boxes],
  commands: [
    defineCommand('hand', { input: none, handler: (tx) => places[place](tx) ?? null }),
    defineCommand('look', { input: none, handler: (tx) => ({ box: tx.get(boxes, id) ?? null }) }),
    defineCommand('clear', { input: none, handler: (tx) => tx.delete(boxes, id) }),
  ],
  queries: [defineQuery('box', { input: none, handler: (read) => read.get(boxes, id) ?? null })],
})

const anything = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withBoxedValues: true,
    withNullPrototype: true,
    withUnicodeString: true,
    maxDepth: 3,
  }),
  fc.constantFrom<unknown>(
    -0,
    Number.NaN,
    2 ** 53,
    'a\ud800',
    Buffer.from('ab'),
    Promise.resolve(1),
  ),
  fc.constantFrom<unknown>(() => 1, Symbol('s'), JSON.parse('{"__proto__":1}'), new Date(8.64e15)),
)

const runs = Number(process.env.FUZZ_RUNS ?? 150)

// docs/guarantees.md: what is taken is what comes back
test('a value is refused, and nothing has happened, or it is the same wherever it is seen', async () => {
  const world = new UnitWorld(space)
  const { unit } = await world.startReady()
  const { unit: other } = await world.startReady()
  const arbitrary = fc.tuple(
    anything,
    fc.constantFrom(...(Object.keys(places) as (keyof typeof places)[])),
  )
  let number = 0
  await fc.assert(
    fc.asyncProperty(arbitrary, async ([value, at]) => {
      given = value
      place = at
      number++
      const options = { idempotencyKey: `key-${number}` }
      const told = fateOf(unit.execute('hand', {}, options))
      // Executed on what is pending: before the log has seen any of it.
      const chained = fateOf(unit.execute('look', {}))
      await world.until(() => [told, chained].every(({ value, error }) => value ?? error))
      const isMissing = value === undefined && at !== 'an item'
      const refused = !isMissing && dataFault(value) !== undefined
      const seen = [chained.value?.result as { box: typeof empty | null }]
      if (refused) {
        expect(isGridError(told.error)).toBe(true)
        expect(seen[0]?.box).toBe(null)
      } else if (!isMissing) {
        expect(told.error).toBe(undefined)
        const { position = 0, result } = told.value ?? {}
        for (const one of [unit, other])
          seen.push({
            box: (await world.settled(one.query('box', {}, { position }))).result as typeof empty,
          })
        for (const { box } of seen)
          expect(isDeepStrictEqual(box && where[at](box), takeData(given))).toBe(true)
        const again = await world.settled(other.execute('hand', {}, options))
        expect(again).toMatchObject({ replayed: true })
        expect(isDeepStrictEqual(again.result, result)).toBe(true)
      }
      await world.settled(unit.execute('clear', {}))
    }),
    { numRuns: runs },
  )
  expect(other.state?.digest.toString()).toBe(unit.state?.digest.toString())
  await world.stop()
})
