import { expect, test } from 'vitest'
import { type PooledUnit, UnitPool } from './unit-pool.ts'

/** A unit that becomes ready, fails or ends when the test says so. */
class FakeUnit implements PooledUnit {
  readonly settings
  readonly pid = 1
  ended: string | undefined
  stops = 0
  readonly #ready = Promise.withResolvers<void>()
  readonly #gone = Promise.withResolvers<void>()

  constructor(name: string) {
    this.settings = { name, logFile: `${name}.log` }
    // Nobody need wait for it.
    this.#ready.promise.catch(() => undefined)
  }

  get gone(): Promise<void> {
    return this.#gone.promise
  }

  ready(): Promise<void> {
    return this.#ready.promise
  }

  async becomeReady(): Promise<void> {
    this.#ready.resolve()
    await settled()
  }

  async end(): Promise<void> {
    this.ended = 'SIGKILL'
    this.#ready.reject(new Error(`${this.settings.name} ended`))
    this.#gone.resolve()
    await settled()
  }

  async stop(): Promise<void> {
    this.stops++
    this.ended = 'exit code 0'
    this.#gone.resolve()
  }
}

const settled = async () => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

function poolOf(count: number) {
  const all = Array.from({ length: count }, (_, at) => new FakeUnit(`unit-${at + 1}`))
  const [removed, said] = [[] as FakeUnit[], [] as string[]]
  const pool = new UnitPool<FakeUnit>({
    units: [...all],
    add: async () => {
      const unit = new FakeUnit(`unit-${all.length + 1}`)
      all.push(unit)
      return unit
    },
    remove: (unit) => removed.push(unit),
    say: (line) => said.push(line),
  })
  return { pool, all, removed, said }
}

test('to be asked twice for two more starts two', async () => {
  const { pool, all } = poolOf(1)
  pool.scale(3, 1)
  expect(pool.look()).toEqual({ wanted: 3, ready: 1, starting: 2 })
  pool.scale(3, 1)
  await settled()
  pool.scale(3, 2)
  await settled()
  expect(all).toHaveLength(3)
  await all[1]?.becomeReady()
  expect(pool.look()).toEqual({ wanted: 3, ready: 2, starting: 1 })
})

test('who decided before somebody else is refused, and changes nothing', async () => {
  const { pool, all } = poolOf(1)
  pool.scale(2, 7)
  await settled()
  expect(() => pool.scale(9, 6)).toThrow('term 6 is over: 7 has decided since')
  expect(pool.answer({ scaling: 'scale', id: 4, units: 9, term: 6 })).toMatchObject({
    ...{ id: 4, isFenced: true },
  })
  expect(all).toHaveLength(2)
})

test('the last that came goes first, in good order', async () => {
  const { pool, all, removed } = poolOf(3)
  pool.scale(1, 1)
  await settled()
  expect(all.map(({ stops }) => stops)).toEqual([0, 1, 1])
  expect(removed).toEqual([all[1], all[2]])
  expect(pool.look()).toEqual({ wanted: 1, ready: 1, starting: 0 })
})

test('what is not wanted any more before it is there goes as well', async () => {
  const { pool, all } = poolOf(1)
  pool.scale(2, 1)
  pool.scale(1, 1)
  await settled()
  expect(all.map(({ stops }) => stops)).toEqual([0, 1])
  expect(pool.look()).toEqual({ wanted: 1, ready: 1, starting: 0 })
})

test('one that ends by itself is missing, until more are asked for', async () => {
  const { pool, all, removed, said } = poolOf(2)
  await all[0]?.end()
  expect(pool.look()).toEqual({ wanted: 2, ready: 1, starting: 0 })
  expect(removed).toEqual([all[0]])
  expect(said).toEqual(['unit-1 (1) ended: SIGKILL; its log: unit-1.log'])
  pool.scale(2, 1)
  await settled()
  await all[2]?.becomeReady()
  expect(pool.look()).toEqual({ wanted: 2, ready: 2, starting: 0 })
})

test('one that ends before it was ready is told of, and missing', async () => {
  const { pool, all, said } = poolOf(1)
  pool.scale(2, 1)
  await settled()
  await all[1]?.end()
  expect(said).toEqual(['unit-2 ended'])
  expect(pool.look()).toEqual({ wanted: 2, ready: 1, starting: 0 })
})

test('when the cluster ends none is started any more', async () => {
  const { pool, all } = poolOf(1)
  pool.close()
  pool.scale(3, 1)
  await settled()
  expect(all).toHaveLength(1)
})

test.each([undefined, 'look', { scaling: 'look' }, { scaling: 'scale', id: 1, units: 0, term: 1 }])(
  '%j is no question',
  (message) => {
    expect(poolOf(1).pool.answer(message)).toBeUndefined()
  },
)
