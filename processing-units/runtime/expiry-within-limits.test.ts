import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { defaultTransactionLimits } from '@spacegrid/grid/core/limits'
import { SimulatedMemory } from '@spacegrid/grid/kit/simulated-memory'
import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, expect, test } from 'vitest'

const records = defineCache('records', {
  schema: Type.Object({ id: Type.String(), text: Type.String() }),
  key: 'id',
})
const holds = defineCache('holds', {
  schema: Type.Object({ id: Type.String(), until: Type.Integer(), bytes: Type.Integer() }),
  key: 'id',
  expiry: 'until',
  onExpire: (tx, { id, bytes }) => {
    tx.delete(holds, id)
    if (bytes === 0) return
    tx.put(records, { id, text: 'x'.repeat(bytes) })
    tx.put(records, { id: `${id}!`, text: '' })
  },
})
const hold = defineCommand('hold', {
  input: Type.Object({ id: Type.String(), ms: Type.Integer(), bytes: Type.Integer() }),
  handler: (tx, { id, ms, bytes }) => {
    tx.put(holds, { id, until: tx.now + ms, bytes })
  },
})
const left = defineQuery('left', {
  input: Type.Object({}),
  handler: (view) => ({ holds: view.count(holds), records: view.count(records) }),
})
const space = defineSpace('expiring', {
  caches: [holds, records],
  commands: [hold],
  queries: [left],
})

let world = new UnitWorld(space)
afterEach(async () => {
  await world.stop()
  world = new UnitWorld(space)
})
type Unit = ReturnType<UnitWorld['start']>['unit']

const held = (unit: Unit, id: string, ms: number, bytes: number) =>
  world.settled(unit.execute('hold', { id, ms, bytes }))
const leftIn = async (unit: Unit) => (await unit.query('left', {})).result

test('while memory is full an expiry that adds rests, and one that only deletes goes on', async () => {
  const memory = new SimulatedMemory()
  const { unit, events } = await world.startReady({}, {}, undefined, memory)
  await held(unit, 'adds', 500, 2000)
  await held(unit, 'goes', 500, 0)
  memory.share = 0.8
  await world.clock.advance(2000)
  expect(await leftIn(unit)).toEqual({ holds: 1, records: 0 })
  memory.share = 0.1
  await world.clock.advance(12_000)
  expect(await leftIn(unit)).toEqual({ holds: 0, records: 2 })
  expect(events.filter(({ kind }) => kind === 'failed' || kind === 'application_fault')).toEqual([])
})

test('what expiries have under way counts as what commands have, and is given back', async () => {
  const { unit, log } = await world.startReady({ pendingBytesMax: 3000 })
  await held(unit, 'a', 500, 2900)
  await held(unit, 'b', 500, 2900)
  log.fate = () => ({ copies: 0 })
  await world.clock.advance(1000)
  const fate = fateOf(unit.execute('hold', { id: 'x'.repeat(200), ms: 1000, bytes: 0 }))
  await world.clock.advance(5)
  expect(fate.error).toMatchObject({ code: 'overloaded' })
  log.fate = () => ({})
  await world.clock.advance(5000)
  expect(await leftIn(unit)).toEqual({ holds: 0, records: 4 })
  await held(unit, 'c', 500, 2900)
})

test.each([
  ['writes', { transaction: { ...defaultTransactionLimits, writesMax: 2 } }],
  ['characters', { transaction: { ...defaultTransactionLimits, charactersMax: 100 } }],
  ['bytes', { transactionBytesMax: 1000 }],
])('an expiry with more %s than a transaction may have is told, and rests', async (_, limits) => {
  const { unit, events } = await world.startReady(limits)
  await held(unit, 'large', 500, 2000)
  await held(unit, 'goes', 500, 0)
  await world.clock.advance(3000)
  expect(await leftIn(unit)).toEqual({ holds: 1, records: 0 })
  expect(events.filter(({ kind }) => kind === 'application_fault')).toHaveLength(1)
})
