import { isGridError } from '@spacegrid/grid/core/errors'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'
import { afterEach, expect, test } from 'vitest'
import { compareReplica } from '../check/copies.ts'
import { Scenario } from './scenario.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const id = Type.String()

/**
 * Entries with two counts that every version keeps equal: one by operations, one by reading and
 * writing.
 */
const first = defineCache('items', {
  schema: Type.Object({ id, size: Type.Integer(), count: Type.Integer(), group: Type.String() }),
  key: 'id',
  indexes: { byGroup: ['group', 'size'] },
})
const next = defineCache('items', {
  schema: Type.Object({
    id,
    extent: Type.Integer(),
    count: Type.Integer(),
    group: Type.String(),
    limit: Type.Integer(),
    note: Type.Optional(Type.String()),
  }),
  key: 'id',
  indexes: { byGroup: ['group', 'extent'], byNote: ['note'] },
  renamed: { size: 'extent' },
  defaults: { limit: 100 },
})

const input = Type.Object({ id })
const wrong = (tx: { reject(reason: string): never }) => tx.reject('wrong')

const older = defineSpace('test', {
  caches: [first],
  commands: [
    defineCommand('grow', {
      input,
      result: Type.Object({ item: first.schema }),
      handler: (tx, { id: key }) => {
        const before = tx.get(first, key) ?? { id: key, size: 0, count: 0, group: 'free' }
        if (before.size !== before.count) wrong(tx)
        const item = { ...before, size: before.size + 1, count: before.count + 1 }
        tx.put(first, item)
        return { item }
      },
    }),
    defineCommand('operate', {
      input,
      handler: (tx, { id: key }) => {
        const initial = { id: key, size: 0, count: 0, group: 'free' }
        tx.increment(first, key, 'size', 1, { initial })
        tx.increment(first, key, 'count', 1)
      },
    }),
    defineCommand('regroup', {
      input: Type.Object({}),
      result: Type.Object({ taken: Type.Array(first.schema) }),
      handler: (tx) => ({
        taken: tx.take(first, 'byGroup', { equals: ['free'], limit: 1 }, { group: 'taken' }),
      }),
    }),
  ],
  queries: [
    defineQuery('all', {
      input: Type.Object({}),
      result: Type.Array(first.schema),
      handler: (read) => [
        ...read.range(first, 'byGroup', { equals: ['free'] }),
        ...read.range(first, 'byGroup', { equals: ['taken'] }),
      ],
    }),
  ],
})

const newer = defineSpace('test', {
  caches: [next],
  commands: [
    defineCommand('grow', {
      input,
      result: Type.Object({ item: next.schema }),
      handler: (tx, { id: key }) => {
        const before = tx.get(next, key) ?? {
          ...{ id: key, extent: 0, count: 0, group: 'free', limit: 100 },
        }
        if (before.extent !== before.count || before.limit < 100) wrong(tx)
        const item = { ...before, extent: before.extent + 1, count: before.count + 1 }
        tx.put(next, item)
        return { item }
      },
    }),
    defineCommand('operate', {
      input,
      handler: (tx, { id: key }) => {
        const initial = { id: key, extent: 0, count: 0, group: 'free', limit: 100 }
        tx.increment(next, key, 'extent', 1, { initial })
        tx.increment(next, key, 'count', 1)
        tx.increment(next, key, 'limit', 1)
      },
    }),
    defineCommand('regroup', {
      input: Type.Object({}),
      result: Type.Object({ taken: Type.Array(next.schema) }),
      handler: (tx) => ({
        taken: tx.take(next, 'byGroup', { equals: ['free'], limit: 1 }, { group: 'taken' }),
      }),
    }),
    defineCommand('note', {
      input,
      handler: (tx, { id: key }) => {
        const before = tx.get(next, key) ?? tx.reject('unknown')
        tx.put(next, { ...before, note: `note of ${key}` })
      },
    }),
  ],
  queries: [
    defineQuery('all', {
      input: Type.Object({}),
      result: Type.Array(next.schema),
      handler: (read) => [
        ...read.range(next, 'byGroup', { equals: ['free'] }),
        ...read.range(next, 'byGroup', { equals: ['taken'] }),
      ],
    }),
  ],
})

let scenario: Scenario

afterEach(() => scenario.crashAll())

const units = [0, 1, 2]
/** What a request may meet when units die under it; nothing of it says that anything is wrong. */
const passing = [
  'outcome_unknown',
  'not_ready',
  'stopping',
  'log_unavailable',
  'contended',
] as const

/** Asks units that run for something, all the time, until told to stop. */
function keepBusy(random: SeededRandom) {
  let stopped = false
  const seen = { done: 0, noted: new Set<string>(), wrong: [] as string[] }
  const ask = async (number: number) => {
    const key = `k${random.below(8)}`
    const name = ['grow', 'operate', 'regroup', 'note', 'all'][random.below(5)] as string
    if (scenario.readiness('unit', number)?.ready !== true) return
    const unit = scenario.unit(number)
    if (name === 'note' && !unit.space.commands.has('note')) return
    try {
      if (name === 'all') await unit.query('all', {})
      else await unit.execute(name, name === 'regroup' ? {} : { id: key })
      seen.done++
      if (name === 'note') seen.noted.add(key)
    } catch (error) {
      const isRefusal =
        isGridError(error, 'rejected') && !String((error as Error).message).includes('wrong')
      if (!isRefusal && !passing.some((code) => isGridError(error, code)))
        seen.wrong.push(`${name}: ${(error as Error).message}`)
    }
  }
  const work = async (number: number) => {
    while (!stopped) {
      await Promise.race([
        ask(number),
        new Promise<void>((resolve) => {
          scenario.world.clock.after(2000, resolve)
        }),
      ])
      await new Promise<void>((resolve) => {
        scenario.world.clock.after(1 + random.below(5), resolve)
      })
    }
  }
  const working = Promise.all(units.map(work))
  const stop = async () => {
    stopped = true
    await scenario.settled(working)
    return seen
  }
  return { seen, stop }
}

// architecture.md, invariants 1, 5 and 9
test(`an upgrade goes forward and back under load, units die on the way: seed ${seed}`, async () => {
  scenario = new Scenario(seed, { latencyMsMax: 5, storeDelayMsMax: 5 }, older, newer)
  const random = new SeededRandom(seed)
  for (const role of ['reader', 'writer', 'pump'] as const) scenario.start(role)
  for (const number of units) await scenario.startReady('unit', number)
  const { seen, stop } = keepBusy(random)
  const more = async () => {
    const enough = seen.done + 100
    await scenario.until(() => seen.done >= enough)
  }
  await more()
  for (const version of ['newer', 'older', 'newer', 'older'] as const)
    for (const number of units) {
      scenario.deploy(number, version)
      scenario.crash('unit', number)
      if (random.chance(0.3)) scenario.crash('pump')
      await scenario.startReady('unit', number)
      scenario.start('pump')
      await more()
    }
  const { wrong, noted } = await stop()
  expect(wrong).toEqual([])
  expect(scenario.trace.filter((line) => line.includes('at fault'))).toEqual([])
  expect(scenario.world.problems).toEqual([])

  // Every replica, of whatever version, holds what the log says; so do store and image.
  const end = scenario.world.log.last
  await scenario.until(() => units.every((number) => scenario.unit(number).position >= end))
  for (const number of units) {
    const { state } = scenario.unit(number)
    expect(state && compareReplica(state, scenario.world.reference)).toEqual([])
  }
  for (const store of ['store', 'image'] as const)
    expect(await scenario.differencesOf(store)).toEqual([])
  const { state } = scenario.unit(0)
  const cache = state?.layout.named('items')
  const entries = [...(cache && state ? state.cache(cache.number).entries.values() : [])]
  expect(entries.length).toBeGreaterThan(0)
  for (const { key, value } of entries) {
    // Stored under the first name, in step with the other count; what the newer version wrote is
    // there in spite of the older one.
    expect(value.size).toBe(value.count)
    expect(value).not.toHaveProperty('extent')
    if (noted.has(key)) expect(value.note).toBe(`note of ${key}`)
  }
})
