import { Rejection } from '@spacegrid/grid/core/errors'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { counting } from '../test-support/counters.ts'
import { type ReactRequest, react } from './react-request.ts'

let world: UnitWorld
beforeEach(() => {
  world = new UnitWorld(counting)
})
afterEach(() => world.stop())

const idempotencyMs = 5000
const reactionKeyMs = 60_000
const start = () => world.startReady({ idempotencyMs, reactionKeyMs })

async function both() {
  const [{ unit: one }, { unit: other }] = [await start(), await start()]
  const ask = (
    unit: typeof one,
    changes: Partial<Extract<ReactRequest, { kind: 'do' | 'cancel' }>>,
  ) =>
    world.settled(
      react(unit.reactions, {
        ...{ kind: 'do', command: 'add', input: { id: 'a' }, key: 'grid:k' },
        ...{ notAfter: Number.POSITIVE_INFINITY, ...changes },
      } as ReactRequest),
    )
  const execute = (name: string, input: object) => world.settled(one.execute(name, input))
  return { one, other, ask, execute }
}

describe('under the key of a reaction', () => {
  test('a command is done once, on whichever unit, though its input is made otherwise', async () => {
    const { one, other, ask } = await both()
    const first = await ask(one, {})
    expect(first).toMatchObject({ kind: 'done', result: { count: 1 } })
    expect(await ask(other, { input: { id: 'b' } })).toEqual(first)
  })

  test('a refusal is final: by the handler', async () => {
    const { one, other, ask, execute } = await both()
    const asked = { command: 'addKnown' }
    const refused = { kind: 'refused', reason: 'unknown', details: {} }
    expect(await ask(one, asked)).toEqual(refused)
    await execute('put', { id: 'a', count: 1 })
    expect(await ask(other, asked)).toEqual(refused)
    expect(await ask(other, { ...asked, key: 'grid:l' })).toMatchObject({ kind: 'done' })
  })

  test('a refusal is final: of an operation, where it is melded', async () => {
    const { one, other, ask, execute } = await both()
    await execute('put', { id: 'a', count: 1 })
    const asked = { command: 'bump', input: { id: 'a', max: 1 } }
    expect(await ask(one, asked)).toMatchObject({ kind: 'refused', reason: 'full' })
    await execute('put', { id: 'a', count: 0 })
    expect(await ask(other, asked)).toMatchObject({ kind: 'refused', reason: 'full' })
  })

  test('a refusal that has been overtaken is none', async () => {
    const { one, other, ask } = await both()
    // It runs before it has seen what the other unit has sent already.
    const put = other.execute('put', { id: 'a', count: 1 })
    const asked = ask(one, { command: 'addKnown' })
    await world.settled(put)
    expect(await asked).toMatchObject({ kind: 'done' })
  })

  test('what is cancelled is not done any more; what is done is answered', async () => {
    const { one, other, ask } = await both()
    const cancelled = { kind: 'refused', reason: 'timed_out' }
    expect(await ask(one, { kind: 'cancel' })).toMatchObject(cancelled)
    expect(await ask(other, {})).toMatchObject(cancelled)
    const done = await ask(one, { key: 'grid:l' })
    expect(await ask(other, { key: 'grid:l', kind: 'cancel' })).toEqual(done)
    expect(done).toMatchObject({ kind: 'done', result: { count: 1 } })
  })

  test('of a command and its cancellation at the same time only one takes effect', async () => {
    const { one, other, ask } = await both()
    const [first, second] = await Promise.all([ask(one, {}), ask(other, { kind: 'cancel' })])
    expect(first).toEqual(second)
  })

  test('what is done is remembered for long, and no longer than usual when that is told', async () => {
    const { one, other, ask } = await both()
    for (const key of ['grid:k', 'grid:l']) await ask(one, { key, input: { id: key } })
    await world.settled(
      react(other.reactions, { kind: 'forget', keys: ['grid:k', 'grid:nobody'], position: 1 }),
    )
    const again = async (key: string) => {
      const answer = await ask(other, { key, input: { id: key } })
      return answer.kind === 'done' && (answer.result as { count: number }).count
    }
    await world.clock.advance(idempotencyMs - 500)
    expect([await again('grid:k'), await again('grid:l')]).toEqual([1, 1])
    await world.clock.advance(1000)
    expect([await again('grid:k'), await again('grid:l')]).toEqual([2, 1])
    await world.clock.advance(reactionKeyMs)
    expect(await again('grid:l')).toBe(2)
  })

  test('what comes too late is not begun', async () => {
    const { one, ask } = await both()
    const late = ask(one, { notAfter: one.logNow - 1 })
    await expect(late).rejects.toMatchObject({ code: 'request_timeout' })
    await expect(ask(one, { key: 'another' })).rejects.toMatchObject({ code: 'invalid_key' })
    expect(await ask(one, {})).toMatchObject({ kind: 'done', result: { count: 1 } })
  })

  test('a caller’s own refusals are not remembered', async () => {
    const { one, execute } = await both()
    const asked = () =>
      world.settled(one.execute('addKnown', { id: 'a' }, { idempotencyKey: 'callers' }))
    await expect(asked()).rejects.toBeInstanceOf(Rejection)
    await execute('put', { id: 'a', count: 1 })
    expect((await asked()).replayed).toBe(false)
  })
})
