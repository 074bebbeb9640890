import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, describe, expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

let world = new UnitWorld(counting)
afterEach(async () => {
  await world.stop()
  world = new UnitWorld(counting)
})

const caller = { name: undefined, origin: { door: 'http', address: '', credential: '' } } as const

async function started() {
  const other = await world.startReady()
  const { unit, log } = await world.startReady()
  const read = (options: object) => world.settled(unit.query('read', { id: 'a' }, options))
  return { put: other.unit, unit, log, read }
}

describe('what is fresh', () => {
  test('does not say its age, unless somebody asks for it', async () => {
    const { unit, read } = await started()
    await world.clock.advance(3000)
    expect(await read({})).not.toHaveProperty('ageMs')
    expect(await read({ caller })).not.toHaveProperty('ageMs')
    const { ageMs } = await read({ stalenessMs: Number.POSITIVE_INFINITY })
    expect(ageMs).toBeLessThanOrEqual(1000)
    const entry = unit.entry('counters', 'none', { caller })
    await expect(entry).rejects.toMatchObject({ code: 'not_found' })
  })

  test('is nothing that a unit says which has heard nothing of its log', async () => {
    const { log, read } = await started()
    log.cut()
    await world.clock.advance(15_000)
    expect(await read({})).not.toHaveProperty('ageMs')
    const { ageMs } = await read({ caller })
    expect(ageMs).toBeGreaterThanOrEqual(15_000)
    expect(ageMs).toBeLessThan(17_000)
    log.heal()
    await world.clock.advance(3000)
    expect(await read({ caller })).not.toHaveProperty('ageMs')
  })

  test('is nothing that the log said long ago, and that has lain unread since', async () => {
    const { log, read } = await started()
    const bounds = log.bounds.bind(log)
    log.bounds = async () => {
      const answer = await bounds()
      await new Promise<void>((come) => world.clock.after(6000, come))
      return answer
    }
    await world.clock.advance(9000)
    expect((await read({ caller })).ageMs).toBeGreaterThanOrEqual(6000)
  })

  test('is no replica that follows its log from far behind, though the log can be asked', async () => {
    const { put, log, read } = await started()
    log.lateMs = () => 4000
    await world.settled(put.execute('put', { id: 'a', count: 1 }))
    await world.clock.advance(3500)
    const { result, ageMs } = await read({ caller })
    expect(result).toMatchObject({ count: null })
    expect(ageMs).toBeGreaterThan(2500)
  })
})

describe('a staleness', () => {
  test('that is kept takes no time', async () => {
    const { unit } = await started()
    await world.clock.advance(3000)
    const fate = fateOf(unit.query('read', { id: 'a' }, { stalenessMs: 2000 }))
    await world.clock.advance(0)
    expect(fate.value?.ageMs).toBeLessThanOrEqual(2000)
  })

  test('that is shorter than what is known is asked of the log; 0 is the latest state', async () => {
    const { put, read } = await started()
    await world.settled(put.execute('put', { id: 'a', count: 7 }))
    const { result, ageMs } = await read({ stalenessMs: 0 })
    expect(result).toMatchObject({ count: 7 })
    // What it took.
    expect(ageMs).toBeLessThan(50)
  })

  test('that cannot be kept is an error, within a bounded time, and says how old the state is', async () => {
    const { unit, log } = await started()
    log.cut()
    await world.clock.advance(15_000)
    const fate = fateOf(unit.query('read', { id: 'a' }, { stalenessMs: 2000 }))
    await world.clock.advance(1990)
    expect(fate).toEqual({})
    await world.clock.advance(20)
    expect(fate.error).toMatchObject({ code: 'too_stale', details: { stalenessMs: 2000 } })
    const { details } = fate.error as { readonly details: { readonly ageMs: number } }
    expect(details.ageMs).toBeGreaterThan(15_000)
    log.heal()
    await world.clock.advance(3000)
    const again = await world.settled(unit.query('read', { id: 'a' }, { stalenessMs: 2000 }))
    expect(again.ageMs).toBeLessThanOrEqual(2000)
  })

  test('is waited for by many, and the log is asked once for all of them', async () => {
    const { unit, log } = await started()
    await world.clock.advance(700)
    let asked = 0
    const bounds = log.bounds.bind(log)
    log.bounds = () => {
      asked++
      return bounds()
    }
    const fates = Array.from({ length: 1000 }, () =>
      fateOf(unit.query('read', { id: 'a' }, { stalenessMs: 0 })),
    )
    await world.clock.advance(20)
    expect(fates.filter(({ value }) => value !== undefined)).toHaveLength(1000)
    expect(asked).toBe(1)
  })
})
