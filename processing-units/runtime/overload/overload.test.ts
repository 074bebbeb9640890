import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import type { Priority } from '@spacegrid/grid/core/definition'
import { isGridError } from '@spacegrid/grid/core/errors'
import type { Caller } from '@spacegrid/grid/doors/request/caller'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ProcessingUnit } from '../processing-unit.ts'

const things = defineCache('things', { schema: Type.Object({ id: Type.String() }), key: 'id' })
const input = Type.Object({ id: Type.String() })
const command = (name: string, priority?: Priority) =>
  defineCommand(name, {
    ...(priority ? { priority } : {}),
    input,
    handler: (tx, { id }) => tx.put(things, { id }),
  })
const space = defineSpace('spiky', {
  caches: [things],
  commands: [command('finish', 'finish'), command('begin'), command('browse', 'browse')],
  queries: [],
})

const caller = (name: string): Caller => ({
  name,
  origin: { door: 'http', address: '192.0.2.1', credential: undefined },
})

/** A log that takes two frames of five commands each 10 ms: 1,000 commands a second. */
const settings = { frameTransactionsMax: 5, framesInFlightMax: 2 }
const logOptions = { latencyMs: () => 5 }

let world: UnitWorld
let unit: ProcessingUnit
let next = 0
beforeEach(async () => {
  world = new UnitWorld(space)
  unit = (await world.startReady(settings, logOptions)).unit
})
afterEach(() => world.stop())

interface Offer {
  readonly name?: string
  readonly by?: string | undefined
  readonly perMs: number
  readonly withinMs?: number
}

interface Outcomes {
  done: number
  shed: number
  readonly tookMs: number[]
  readonly retryAfterMs: number[]
}

/** Open loop: so many commands each ms, whatever becomes of them. */
async function offer(
  ms: number,
  offers: readonly Offer[],
  meanwhile: () => void = () => undefined,
): Promise<readonly Outcomes[]> {
  const all = offers.map((): Outcomes => ({ done: 0, shed: 0, tookMs: [], retryAfterMs: [] }))
  const open: Promise<unknown>[] = []
  for (let at = 0; at < ms; at++) {
    for (const [index, { name = 'begin', by, perMs, withinMs }] of offers.entries()) {
      const outcomes = all[index] as Outcomes
      const count = Math.floor((at + 1) * perMs) - Math.floor(at * perMs)
      for (let i = 0; i < count; i++) {
        const since = world.clock.monotonic()
        const options = {
          ...(by === undefined ? {} : { caller: caller(by) }),
          ...(withinMs === undefined ? {} : { withinMs }),
        }
        open.push(
          unit.execute(name, { id: `${next++}` }, options).then(
            () => {
              outcomes.done++
              outcomes.tookMs.push(world.clock.monotonic() - since)
            },
            (error: unknown) => {
              if (withinMs !== undefined && isGridError(error, 'outcome_unknown')) return
              if (!isGridError(error, 'overloaded')) throw error
              outcomes.shed++
              outcomes.retryAfterMs.push(error.retryAfterMs as number)
            },
          ),
        )
      }
    }
    meanwhile()
    await world.clock.advance(1)
  }
  await world.settled(Promise.all(open))
  return all
}

const worst = (tookMs: readonly number[]): number => Math.max(...tookMs)

test('ten times of what can be done: the most is done, nobody waits for long, and all is well again after', async () => {
  await offer(1000, [{ by: 'all', perMs: 0.8 }])
  const [spike] = await offer(3000, [{ by: 'all', perMs: 10 }])
  // It takes 1,000 a second.
  expect(spike?.done).toBeGreaterThan(0.9 * 3000)
  expect(worst(spike?.tookMs ?? [])).toBeLessThan(250)
  const late = (spike?.tookMs ?? []).slice(1000)
  expect(worst(late)).toBeLessThan(80)
  await offer(1000, [{ by: 'all', perMs: 0.5 }])
  const [calm] = await offer(1000, [{ by: 'all', perMs: 0.8 }])
  expect(calm).toMatchObject({ shed: 0 })
  expect(worst(calm?.tookMs ?? [])).toBeLessThan(30)
})

test('what was taken before anybody knew is given up when it has waited in vain', async () => {
  await offer(400, [{ by: 'all', perMs: 10 }])
  expect(unit.status().load?.shed).toContainEqual({
    ...{ reason: 'late', priority: 'begin' },
    count: expect.toSatisfy((count: number) => count > 500),
  })
  expect(unit.pending).toBe(0)
})

test('who is turned away hears when it would be its turn, and not all at the same time', async () => {
  const [spike] = await offer(3000, [{ by: 'all', perMs: 4 }])
  // Three of four are turned away: 3,000 within a second, for which it takes three more.
  const late = (spike?.retryAfterMs ?? []).slice(-1000)
  expect(Math.min(...late)).toBeGreaterThan(1500)
  expect(worst(late)).toBeLessThan(5000)
  expect(new Set(late).size).toBeGreaterThan(100)
})

test('without control, everybody waits', async () => {
  unit = (await world.startReady({ ...settings, queueDelayMs: 0 }, logOptions)).unit
  const [spike] = await offer(2000, [{ by: 'all', perMs: 4 }])
  expect(spike).toMatchObject({ shed: 0 })
  expect(worst(spike?.tookMs ?? [])).toBeGreaterThan(2000)
})

test('a burst that is worked off at once is no overload', async () => {
  for (let burst = 0; burst < 10; burst++) {
    const [outcomes] = await offer(1, [{ by: 'all', perMs: 75 }])
    expect(outcomes).toMatchObject({ shed: 0, done: 75 })
    await world.clock.advance(50)
  }
})

test('a log that is far away is no overload', async () => {
  unit = (await world.startReady({}, { latencyMs: () => 80 })).unit
  await offer(300, [{ by: 'all', perMs: 0.1 }])
  const [far] = await offer(2000, [{ by: 'all', perMs: 2 }])
  expect(far).toMatchObject({ shed: 0, done: 4000 })
})

test('a few that wait because everything stands still are no overload', async () => {
  let latencyMs = 5
  unit = (await world.startReady(settings, { latencyMs: () => latencyMs })).unit
  await offer(1000, [{ by: 'all', perMs: 0.008 }])
  latencyMs = 600
  const [slow] = await offer(4000, [{ by: 'all', perMs: 0.008 }])
  expect(worst(slow?.tookMs ?? [])).toBeGreaterThan(600)
  expect(slow).toMatchObject({ shed: 0, done: 32 })
})

test('what finishes is done before what begins, and that before what browses', async () => {
  await offer(1000, [{ by: 'all', perMs: 10 }])
  const [browse, begin, finish] = await offer(3000, [
    { name: 'browse', by: 'all', perMs: 2 },
    { name: 'begin', by: 'all', perMs: 2 },
    { name: 'finish', by: 'all', perMs: 0.25 },
  ])
  expect(finish?.shed).toBeLessThan(0.02 * 750)
  expect(begin?.done).toBeGreaterThan(5 * (browse?.done ?? 0))
  const { shed } = unit.status().load ?? {}
  expect(shed).toContainEqual({ reason: 'queue', priority: 'browse', count: browse?.shed })
})

test('who asks for the most is turned away before those who ask for little', async () => {
  await offer(1000, [{ by: 'greedy', perMs: 10 }])
  const offers = ['one', 'two', 'three', 'four'].map((by) => ({ by, perMs: 0.1 }))
  const [greedy, ...modest] = await offer(3000, [{ by: 'greedy', perMs: 10 }, ...offers])
  for (const { shed } of modest) expect(shed).toBeLessThan(0.1 * 300)
  // What they leave is the greedy one's: nothing is lost.
  expect(greedy?.done).toBeGreaterThan(0.9 * (3000 - 4 * 300))
})

test('what cannot be begun in its time is refused at once', async () => {
  await offer(1000, [{ by: 'all', perMs: 10 }])
  const [hurried] = await offer(500, [
    { by: 'all', perMs: 0.1, withinMs: 2, name: 'finish' },
    { by: 'all', perMs: 10 },
  ])
  expect(hurried?.shed).toBeGreaterThan(0.7 * 50)
  expect(unit.status().load?.shed).toContainEqual(
    expect.objectContaining({ reason: 'deadline', priority: 'finish' }),
  )
})

test('who has no time at all is told so, and nothing is done', async () => {
  const [hurried] = await offer(5, [{ by: 'all', perMs: 1, withinMs: 0 }])
  expect(hurried).toMatchObject({ shed: 5, done: 0 })
})

test('what the process asks of itself has only the fixed bounds', async () => {
  const [own] = await offer(1000, [{ perMs: 4 }])
  expect(own).toMatchObject({ shed: 0, done: 4000 })
})

test('before it is read a request is turned away only by a unit that is overloaded', async () => {
  const early = () => unit.turnAway('browse', caller('all'))
  await offer(100, [{ by: 'all', perMs: 0.8 }], early)
  let turnedAway = 0
  await offer(1000, [{ by: 'all', perMs: 10 }], () => {
    try {
      early()
    } catch (error) {
      expect(error).toMatchObject({ code: 'overloaded' })
      turnedAway++
    }
  })
  expect(turnedAway).toBeGreaterThan(700)
  await world.clock.advance(3000)
  await offer(100, [{ by: 'all', perMs: 0.8 }], early)
})

test('after a pause nothing is left of what was', async () => {
  await offer(1000, [{ by: 'all', perMs: 10 }])
  expect(unit.status().load?.limit).toBeLessThan(100)
  await world.clock.advance(60_000)
  const [after] = await offer(1, [{ by: 'all', perMs: 500 }])
  expect(after).toMatchObject({ shed: 0 })
  expect(unit.status().load?.limit).toBe(16_384)
})
