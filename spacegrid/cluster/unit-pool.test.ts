import { expect, test } from 'vitest'
import { type PooledUnit, UnitPool } from './unit-pool.ts'

/** A unit that becomes ready, fails or ends when the test says so. */
class FakeUnit implements PooledUnit {
  readonly settings
  readonly pid = 1
  ended: string | undefined
  isWarm = false
  calls = 0
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

  callUp(): void {
    this.calls++
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

function poolOf(count: number, spares = 0) {
  const all = Array.from({ length: count }, (_, at) => new FakeUnit(`unit-${at + 1}`))
  const [removed, said] = [[] as FakeUnit[], [] as string[]]
  const fails: { with: Error | undefined } = { with: undefined }
  const add = async () => {
    if (fails.with) throw fails.with
    const unit = new FakeUnit(`unit-${all.length + 1}`)
    all.push(unit)
    return unit
  }
  const pool = new UnitPool<FakeUnit>({
    ...{ units: [...all], spares, add, addSpare: add },
    remove: (unit) => removed.push(unit),
    say: (line) => said.push(line),
  })
  return { pool, all, removed, said, fails }
}

test('to be asked twice for two more starts two', async () => {
  const { pool, all } = poolOf(1)
  pool.scale(3, 1)
  expect(pool.look()).toEqual({ wanted: 3, ready: 1, starting: 2, spares: 0 })
  pool.scale(3, 1)
  await settled()
  pool.scale(3, 2)
  await settled()
  expect(all).toHaveLength(3)
  await all[1]?.becomeReady()
  expect(pool.look()).toEqual({ wanted: 3, ready: 2, starting: 1, spares: 0 })
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
  expect(pool.look()).toEqual({ wanted: 1, ready: 1, starting: 0, spares: 0 })
})

test('what is not wanted any more before it is there goes as well', async () => {
  const { pool, all } = poolOf(1)
  pool.scale(2, 1)
  pool.scale(1, 1)
  await settled()
  expect(all.map(({ stops }) => stops)).toEqual([0, 1])
  expect(pool.look()).toEqual({ wanted: 1, ready: 1, starting: 0, spares: 0 })
})

test('one that ends by itself is missing, until more are asked for', async () => {
  const { pool, all, removed, said } = poolOf(2)
  await all[0]?.end()
  expect(pool.look()).toEqual({ wanted: 2, ready: 1, starting: 0, spares: 0 })
  expect(removed).toEqual([all[0]])
  expect(said).toEqual(['unit-1 (1) ended: SIGKILL; its log: unit-1.log'])
  pool.scale(2, 1)
  await settled()
  await all[2]?.becomeReady()
  expect(pool.look()).toEqual({ wanted: 2, ready: 2, starting: 0, spares: 0 })
})

test('one that ends before it was ready is told of, and missing', async () => {
  const { pool, all, said } = poolOf(1)
  pool.scale(2, 1)
  await settled()
  await all[1]?.end()
  expect(said).toEqual(['unit-2 ended'])
  expect(pool.look()).toEqual({ wanted: 2, ready: 1, starting: 0, spares: 0 })
})

test('one that cannot be started at all is told of, and missing', async () => {
  const { pool, all, said, fails } = poolOf(1)
  fails.with = new Error('no free port')
  pool.scale(2, 1)
  await settled()
  expect(said).toEqual(['a unit cannot be started: no free port'])
  expect(pool.look()).toEqual({ wanted: 2, ready: 1, starting: 0, spares: 0 })
  fails.with = undefined
  pool.scale(2, 1)
  await settled()
  expect(all).toHaveLength(2)
})

test('a spare that is warm is called up, and another one takes its place', async () => {
  const { pool, all } = poolOf(1, 1)
  await settled()
  const [, spare] = all as [FakeUnit, FakeUnit]
  expect(pool.look()).toEqual({ wanted: 1, ready: 1, starting: 0, spares: 0 })
  spare.isWarm = true
  expect(pool.look()).toMatchObject({ spares: 1 })
  pool.scale(2, 1)
  await settled()
  expect([spare.calls, all.length]).toEqual([1, 3])
  expect(pool.look()).toEqual({ wanted: 2, ready: 1, starting: 1, spares: 0 })
  await spare.becomeReady()
  expect(pool.look()).toEqual({ wanted: 2, ready: 2, starting: 0, spares: 0 })
})

test('of three that are wanted the warm one is called up, and the others are started', async () => {
  const { pool, all } = poolOf(1, 1)
  await settled()
  const spare = all[1] as FakeUnit
  spare.isWarm = true
  pool.scale(4, 1)
  await settled()
  expect(all.map(({ calls }) => calls)).toEqual([0, 1, 0, 0, 0])
  expect(pool.look()).toMatchObject({ starting: 3 })
})

test('a spare that is not warm yet is not called up, and one that ends is made anew with the next decision', async () => {
  const { pool, all } = poolOf(1, 1)
  await settled()
  const spare = all[1] as FakeUnit
  await spare.end()
  expect(all).toHaveLength(2)
  pool.scale(2, 1)
  await settled()
  expect(spare.calls).toBe(0)
  expect(all).toHaveLength(4)
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
