import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { afterEach, describe, expect, test } from 'vitest'
import { ProcessingUnit } from './processing-unit.ts'

const counters = defineCache('counters', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer(), group: Type.String() }),
  key: 'id',
  indexes: { byGroup: ['group', 'count'] },
})

const add = defineCommand('add', {
  input: Type.Object({ id: Type.String(), by: Type.Integer() }),
  handler: (tx, { id, by }) => {
    const count = (tx.get(counters, id)?.count ?? 0) + by
    if (count < 0) tx.reject('negative', { count })
    tx.put(counters, { id, count, group: 'a' })
    return { count }
  },
})

const bump = defineCommand('bump', {
  input: Type.Object({ id: Type.String(), max: Type.Optional(Type.Integer()) }),
  handler: (tx, { id, max }) => ({
    count: tx.increment(counters, id, 'count', 1, {
      initial: { id, count: 0, group: 'a' },
      ...(max === undefined ? {} : { max }),
      otherwise: 'full',
    }),
  }),
})

const total = defineProjection('total', {
  of: counters,
  values: ({ sum }) => ({ sum: sum('count') }),
})

const sum = defineQuery('sum', {
  input: Type.Object({}),
  handler: (read) => ({ sum: read.get(total, 'all')?.sum ?? 0 }),
})

const space = defineSpace('test', {
  caches: [counters],
  commands: [add, bump],
  queries: [sum],
  projections: [total],
})

const units: ProcessingUnit[] = []

async function startUnits(count: number): Promise<ProcessingUnit[]> {
  const clock = new SystemClock()
  const stream = new SimulatedStream(clock)
  const messaging = new InProcessMessaging(clock)
  const random = new SystemRandom()
  const started = Array.from({ length: count }, (_, i) => {
    const log = new SimulatedLog(clock, stream)
    return new ProcessingUnit(
      `unit-${i}`,
      space,
      { log, messaging, clock, random },
      { sources: ['peer', 'log'], report: (e) => process.env.DEBUG && console.log(e) },
    )
  })
  units.push(...started)
  for (const unit of started) unit.start()
  await expect
    .poll(() => started.every((unit) => unit.readiness().ready), { timeout: 5000 })
    .toBe(true)
  return started
}

afterEach(async () => {
  await Promise.all(units.splice(0).map((unit) => unit.stop()))
})

describe('a processing unit', () => {
  test('executes commands, one after the other and many at a time', async () => {
    const [unit] = (await startUnits(1)) as [ProcessingUnit]
    expect(await unit.execute('add', { id: 'x', by: 2 })).toMatchObject({
      result: { count: 2 },
      replayed: false,
    })
    const answers = await Promise.all(
      Array.from({ length: 500 }, () => unit.execute('add', { id: 'x', by: 1 })),
    )
    expect(new Set(answers.map((a) => (a.result as { count: number }).count)).size).toBe(500)
    expect((await unit.query('sum', {})).result).toEqual({ sum: 502 })
    await expect(unit.execute('add', { id: 'x', by: -1000 })).rejects.toMatchObject({
      reason: 'negative',
    })
    await expect(unit.execute('add', { id: 'x' })).rejects.toMatchObject({
      code: 'invalid_input',
      details: { errors: [{ path: 'by', message: 'is required' }] },
    })
  })

  test('shares one hot entry with others, by reads and by operations', async () => {
    const all = await startUnits(3)
    const results = await Promise.all(
      Array.from({ length: 900 }, (_, i) =>
        (all[i % 3] as ProcessingUnit).execute(
          i % 2 ? 'bump' : 'add',
          i % 2 ? { id: 'x' } : { id: 'x', by: 1 },
        ),
      ),
    )
    expect(new Set(results.map((a) => (a.result as { count: number }).count)).size).toBe(900)
    const position = Math.max(...all.map((unit) => unit.position))
    for (const unit of all)
      expect((await unit.query('sum', {}, { position })).result).toEqual({ sum: 900 })
    expect(new Set(all.map((unit) => unit.status().digest)).size).toBe(1)
  })

  test('answers a repeated idempotency key with the first result, on any unit', async () => {
    const [one, two] = (await startUnits(2)) as [ProcessingUnit, ProcessingUnit]
    const first = await one.execute('bump', { id: 'y' }, { idempotencyKey: 'k' })
    const again = await Promise.all(
      [one, two].map((unit) => unit.execute('bump', { id: 'y' }, { idempotencyKey: 'k' })),
    )
    for (const answer of again)
      expect(answer).toMatchObject({
        result: first.result,
        position: first.position,
        version: first.version,
        replayed: true,
      })
    await expect(two.execute('bump', { id: 'z' }, { idempotencyKey: 'k' })).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    })
    await expect(one.execute('bump', { id: 'y', max: 1 })).rejects.toMatchObject({ reason: 'full' })
  })
})
