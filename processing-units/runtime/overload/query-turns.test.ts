import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { beforeEach, expect, test } from 'vitest'
import { QueryTurns } from './query-turns.ts'

/** Virtual time that work takes by itself: nothing else runs meanwhile, as on an event loop. */
class BlockedClock extends SimulatedClock {
  #workedMs = 0
  #stoodMs = 0

  work(ms: number): void {
    this.#workedMs += ms
  }

  /** Nothing runs meanwhile, and it is no work: the process is stopped. */
  stand(ms: number): void {
    this.#stoodMs += ms
  }

  override monotonic(): number {
    return super.monotonic() + this.#workedMs + this.#stoodMs
  }

  override worked(): number {
    return this.#workedMs
  }
}

let clock: BlockedClock
let turns: QueryTurns
let busy = false
const isBusy = () => busy
beforeEach(() => {
  clock = new BlockedClock()
  turns = new QueryTurns(clock, new SeededRandom(1))
  busy = false
})

/** Runs a query as a door has it run, and says at which virtual time it began. */
async function ask(query: string, ms: number): Promise<number> {
  if (turns.isCostly(query))
    return await turns.run(query, isBusy, () => {
      const at = clock.now()
      clock.work(ms)
      return at
    })
  const begun = clock.monotonic()
  const at = clock.now()
  clock.work(ms)
  turns.ran(query, begun)
  return at
}

/** What has been asked for at once, in the order in which it began. */
async function begins(asked: readonly Promise<number>[]): Promise<readonly number[]> {
  const since = clock.now()
  const all = Promise.all(asked)
  for (let ms = 0; ms < 3000; ms++) await clock.advance(1)
  return (await all).map((at) => at - since)
}

test('short queries run at once, whatever runs besides', async () => {
  await ask('map', 50)
  void ask('map', 50)
  void ask('map', 50)
  expect(await begins([ask('seat', 0.1), ask('seat', 0.1)])).toEqual([0, 0])
  expect(turns.status().costly).toMatchObject([{ query: 'map' }])
})

test('what takes long waits for a turn from the second time on, in the same turn of the loop too', async () => {
  const first = ask('map', 50)
  expect(turns.isCostly('map')).toBe(true)
  expect(turns.status()).toMatchObject({ waiting: 0, costly: [{ query: 'map', ms: 50 }] })
  await first
})

test('while commands wait they are left twice the time that a query has taken', async () => {
  await ask('map', 50)
  busy = true
  const began = await begins([ask('map', 50), ask('map', 50), ask('map', 50)])
  expect(began).toEqual([0, 100, 200])
})

test('while none waits, queries follow each other with a look at what has come', async () => {
  await ask('map', 50)
  expect(await begins([ask('map', 50), ask('map', 50), ask('map', 50)])).toEqual([0, 0, 0])
})

test('who would have to wait for more than two seconds is turned away, and hears for how long', async () => {
  await ask('map', 100)
  busy = true
  const asked = Array.from({ length: 20 }, () => ask('map', 100))
  const outcomes = Promise.allSettled(asked)
  expect(turns.status()).toMatchObject({ waiting: 6, shed: 13 })
  for (let ms = 0; ms < 3000; ms++) await clock.advance(1)
  const shed = (await outcomes).filter(({ status }) => status === 'rejected')
  expect(shed).toHaveLength(13)
  for (const { reason } of shed as PromiseRejectedResult[]) {
    expect(reason).toMatchObject({ code: 'overloaded' })
    expect(reason.retryAfterMs).toBeGreaterThan(1500)
    expect(reason.retryAfterMs).toBeLessThan(3000)
  }
  expect(turns.status()).toMatchObject({ waiting: 0 })
})

test('the next one begins when the answer has been written, and that counts as what it costs', async () => {
  await begins([ask('map', 50)])
  busy = true
  const { promise: writing, resolve: written } = Promise.withResolvers<number>()
  const asked: { writing?: Promise<number> } = {}
  const answers: string[] = []
  void turns
    .run('map', isBusy, () => clock.work(50), asked)
    .then(() => {
      asked.writing = writing
      answers.push('first')
    })
  void ask('map', 50).then(() => answers.push('second'))
  for (let ms = 0; ms < 500; ms++) await clock.advance(1)
  expect(answers).toEqual(['first'])
  written(30)
  for (let ms = 0; ms < 500; ms++) await clock.advance(1)
  expect(answers).toEqual(['first', 'second'])
  // 50 ms at first, 80 ms then, and 50 ms again.
  expect(turns.status().costly).toMatchObject([{ query: 'map', ms: 56 }])
})

test('a query that fails gives its turn on', async () => {
  await ask('map', 50)
  const failed = turns.run('map', isBusy, () => {
    throw new Error('no')
  })
  const next = ask('map', 50)
  await expect(failed).rejects.toThrow('no')
  expect(await begins([next])).toEqual([0])
})

test('what was always short and takes long for once is no reason to turn anybody away', async () => {
  await ask('seat', 0.1)
  await clock.advance(1)
  await ask('seat', 3000)
  expect(turns.status().costly).toMatchObject([{ query: 'seat', ms: 50 }])
  await begins(Array.from({ length: 24 }, () => ask('seat', 0.1)))
  expect(turns.counts.shed).toBe(0)
})

test('what has become cheap needs no turns any more', async () => {
  await ask('map', 50)
  for (let times = 0; times < 20; times++) await begins([ask('map', 0.1)])
  expect(turns.isCostly('map')).toBe(false)
})

test('a process that was stopped in a query, however long, turns nobody away after it', async () => {
  // Known to take a moment, short all the same.
  await ask('seat', 2)
  await clock.advance(1)
  void ask('seat', 0.1)
  clock.stand(15_000)
  const asked = Array.from({ length: 24 }, () => ask('seat', 0.1))
  await begins(asked)
  expect(turns.counts.shed).toBe(0)
  // Known to take long.
  for (let times = 0; times < 3; times++) await begins([ask('map', 60)])
  const stopped = turns.run('map', isBusy, () => {
    clock.work(60)
    clock.stand(15_000)
    return clock.now()
  })
  await begins([stopped])
  expect(turns.status().costly).toMatchObject([{ query: 'map', ms: 60 }])
  await begins(Array.from({ length: 24 }, () => ask('map', 60)))
  expect(turns.counts.shed).toBe(0)
})
