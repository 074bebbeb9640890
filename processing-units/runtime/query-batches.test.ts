import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, describe, expect, test } from 'vitest'
import { counting } from './test-support/counters.ts'

let world = new UnitWorld(counting)
afterEach(async () => {
  await world.stop()
  world = new UnitWorld(counting)
})

const counts = (answers: readonly object[]) =>
  answers.map((one) => (one as { result: { count: number } }).result.count)

describe('several queries together', () => {
  test('are answered at one position, whatever is written meanwhile', async () => {
    const { unit } = await world.startReady()
    await world.settled(unit.execute('put', { id: 'a', count: 0 }))
    const batch = Array.from({ length: 32 }, () => ({ query: 'read', input: { id: 'a' } }))
    for (let count = 1; count <= 20; count++) {
      const writing = unit.execute('put', { id: 'a', count })
      const reading = unit.queries(batch, { latest: true })
      const { answers, position } = await world.settled(reading)
      expect(new Set(counts(answers)).size).toBe(1)
      expect(position).toBeLessThanOrEqual(unit.position)
      await world.settled(writing)
    }
  })

  test('fail each for itself; what keeps all of them from being answered fails all', async () => {
    const { unit, log } = await world.startReady()
    await world.settled(unit.execute('put', { id: 'a', count: 5 }))
    const { answers } = await unit.queries([
      { query: 'read', input: { id: 'a' } },
      { query: 'read', input: {} },
      { query: 'none' },
    ])
    expect(answers).toMatchObject([
      { result: { count: 5 } },
      { error: { code: 'invalid_input' } },
      { error: { code: 'unknown_query' } },
    ])
    for (const wrong of [[], {}, undefined, Array(33).fill({ query: 'read' })])
      await expect(unit.queries(wrong as never)).rejects.toMatchObject({ code: 'invalid_input' })
    log.cut()
    await world.clock.advance(9000)
    const refused = unit.queries([{ query: 'read' }], { stalenessMs: 1000 })
    await expect(world.settled(refused)).rejects.toMatchObject({ code: 'too_stale' })
    const { ageMs } = await unit.queries([{ query: 'none' }], { stalenessMs: 1e9 })
    expect(ageMs).toBeGreaterThan(9000)
  })
})

describe('an explanation', () => {
  test('says what was read, how much of it, where and how old the state was', async () => {
    const { unit } = await world.startReady()
    await world.settled(unit.execute('put', { id: 'a', count: 5 }))
    const asked = { id: 'a' }
    const { result, explanation } = await unit.query('read', asked, { explain: true })
    expect(result).toEqual((await unit.query('read', asked)).result)
    expect(explanation).toEqual([
      {
        ...{ unit: unit.name, position: unit.position },
        ...{ ageMs: expect.any(Number), tookMs: expect.any(Number) },
        reads: [{ kind: 'get', cache: 'counters', times: 1, examined: 1, returned: 1 }],
      },
    ])
    const { answers } = await unit.queries([{ query: 'read', input: asked }], { explain: true })
    expect(answers[0]).toMatchObject({ explanation: [{ reads: [{ kind: 'get' }] }] })
    expect(await unit.query('read', asked)).not.toHaveProperty('explanation')
  })
})
