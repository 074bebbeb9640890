import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { SimulatedMemory } from '@spacegrid/grid/kit/simulated-memory'
import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, expect, test } from 'vitest'

const notes = defineCache('notes', {
  schema: Type.Object({ id: Type.String(), text: Type.String(), tags: Type.Array(Type.String()) }),
  key: 'id',
})
const tallies = defineCache('tallies', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
})

const input = Type.Object({ id: Type.String(), bytes: Type.Integer() })
const write = defineCommand('write', {
  input,
  handler: (tx, { id, bytes }) => {
    tx.put(notes, { id, text: 'x'.repeat(bytes), tags: [] })
    return { bytes }
  },
})
const remove = defineCommand('remove', {
  input,
  handler: (tx, { id }) => {
    tx.delete(notes, id)
    return { id }
  },
})
/** Deletes one and writes another: by the sum it adds, or it does not. */
const replace = defineCommand('replace', {
  input,
  handler: (tx, { id, bytes }) => {
    tx.delete(notes, id)
    tx.put(notes, { id: `${id}!`, text: 'x'.repeat(bytes), tags: [] })
  },
})
const tag = defineCommand('tag', {
  input,
  handler: (tx, { id, bytes }) => {
    tx.append(notes, id, 'tags', ['x'.repeat(bytes)])
  },
})
const count = defineCommand('count', {
  input,
  handler: (tx, { id }) => {
    tx.increment(tallies, id, 'count', 1, { initial: { id, count: 0 } })
  },
})
const refuse = defineCommand('refuse', { input, handler: (tx): object => tx.reject('never') })
const size = defineQuery('size', {
  input: Type.Object({ id: Type.String() }),
  handler: (view, { id }) => ({ bytes: view.get(notes, id)?.text.length ?? null }),
})

const space = defineSpace('notes', {
  caches: [notes, tallies],
  commands: [write, remove, replace, tag, count, refuse],
  queries: [size],
})

let world = new UnitWorld(space)
afterEach(async () => {
  await world.stop()
  world = new UnitWorld(space)
})

async function outcome(
  unit: ReturnType<UnitWorld['start']>['unit'],
  command: string,
  ...rest: [string, number, string?]
) {
  const [id, bytes, idempotencyKey] = rest
  const options = idempotencyKey === undefined ? {} : { idempotencyKey }
  const fate = fateOf(unit.execute(command, { id, bytes }, options))
  await world.until(() => fate.value !== undefined || fate.error !== undefined)
  return fate.value ? 'done' : (fate.error as { code: string }).code
}

// architecture.md, invariant 10
test('while one replica is near its budget, what adds is refused on every unit, and all else goes on', async () => {
  const memory = new SimulatedMemory()
  const one = await world.startReady({}, {}, undefined, memory)
  const { unit } = await world.startReady()
  for (const id of ['a', 'b', 'c', 'd']) expect(await outcome(unit, 'write', id, 1000)).toBe('done')
  expect(await outcome(unit, 'count', 'a', 0)).toBe('done')
  memory.share = 0.8
  await world.clock.advance(200)
  for (const [command, id, bytes, expected] of [
    ['write', 'e', 1, 'memory_full'],
    ['write', 'a', 1001, 'memory_full'],
    ['write', 'a', 1000, 'done'],
    ['write', 'a', 900, 'done'],
    ['write', 'a', 901, 'memory_full'],
    ['tag', 'b', 1, 'memory_full'],
    ['count', 'a', 0, 'done'],
    ['count', 'b', 0, 'memory_full'],
    ['replace', 'c', 1001, 'memory_full'],
    ['replace', 'c', 900, 'done'],
    ['remove', 'd', 0, 'done'],
    ['remove', 'unknown', 0, 'done'],
    ['refuse', 'a', 0, 'rejected'],
  ] as const)
    expect(await outcome(unit, command, id, bytes), `${command} ${id} ${bytes}`).toBe(expected)
  expect((await unit.query('size', { id: 'a' })).result).toEqual({ bytes: 900 })
  for (const each of [one.unit, unit]) expect(each.readiness()).toEqual({ ready: true })
  // Between the two shares nothing changes: not every deletion lets the next command in.
  memory.share = 0.7
  await world.clock.advance(200)
  expect(await outcome(unit, 'write', 'e', 1)).toBe('memory_full')
  memory.share = 0.6
  await world.clock.advance(200)
  expect(await outcome(unit, 'write', 'e', 1)).toBe('done')
})

test('what is remembered of an idempotency key keeps nobody from making room, until there is hardly any', async () => {
  const memory = new SimulatedMemory()
  const { unit } = await world.startReady({}, {}, undefined, memory)
  for (const id of ['a', 'b']) expect(await outcome(unit, 'write', id, 10)).toBe('done')
  memory.share = 0.85
  await world.clock.advance(200)
  expect(await outcome(unit, 'remove', 'unknown', 0, 'key-1')).toBe('done')
  expect(await outcome(unit, 'remove', 'a', 0, 'key-2')).toBe('done')
  memory.share = 0.92
  await world.clock.advance(1100)
  expect(await outcome(unit, 'remove', 'unknown', 0, 'key-3')).toBe('memory_full')
  // A key whose command has been executed is answered, whatever there is.
  expect(await outcome(unit, 'remove', 'a', 0, 'key-2')).toBe('done')
  expect(await outcome(unit, 'remove', 'b', 0)).toBe('done')
})

test('bytes of commands without an outcome are bounded, whatever their number', async () => {
  const { unit, log } = await world.startReady({ pendingBytesMax: 10_000 })
  log.fate = () => ({ copies: 0 })
  const fates = Array.from({ length: 20 }, (_, at) =>
    fateOf(unit.execute('write', { id: `n${at}`, bytes: 1000 })),
  )
  await world.clock.advance(5)
  const refused = fates.filter(({ error }) => error !== undefined)
  expect(refused).toHaveLength(11)
  for (const { error } of refused)
    expect(error).toMatchObject({ code: 'overloaded', retryAfterMs: 1000 })
  log.fate = () => ({})
  await world.until(() => unit.status().pending === 0)
  expect(await outcome(unit, 'write', 'later', 1000)).toBe('done')
  // One alone may be as large as a transaction may be.
  expect(await outcome(unit, 'write', 'large', 20_000)).toBe('done')
})

test('what one command creates is limited, and it is told before it is encoded', async () => {
  const { unit } = await world.startReady({ transactionBytesMax: 5000 })
  expect(await outcome(unit, 'write', 'a', 4900)).toBe('done')
  expect(await outcome(unit, 'write', 'b', 5001)).toBe('transaction_too_large')
})
