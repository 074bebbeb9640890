import { isGridError } from '@spacegrid/grid/core/errors'
import type { HistoryPage, KeyChange } from '@spacegrid/grid/doors/request/serving'
import type { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { expect, test } from 'vitest'
import { PastWorld } from './past-world.ts'

const ids = ['tea', 'salt', 'rice']

/** What a command was answered. */
interface Done {
  readonly id: string
  readonly command: string
  readonly position: number
  readonly key: string | undefined
}

async function begin(seed: number): Promise<PastWorld> {
  const world = new PastWorld(seed)
  await world.startUnit(0)
  await world.startUnit(1)
  await world.startPump()
  await world.until(() => world.past.last > 0)
  return world
}

const pick = <T>(world: PastWorld, items: readonly T[]): T =>
  items[world.random.integer() % items.length] as T

async function live(world: PastWorld, count: number): Promise<Done[]> {
  const done: Done[] = []
  for (let at = 0; at < count; at++) {
    const id = pick(world, ids)
    const put = { id, shelf: 'a', left: world.random.integer() % 5 }
    const [command, input] = pick<readonly [string, object]>(world, [
      ['put', put],
      ['put', { ...put, lastsMs: 200 }],
      ['take', { id }],
      ['remove', { id }],
    ])
    const key = pick(world, [undefined, `key ${at}`])
    const options = key === undefined ? {} : { idempotencyKey: key }
    try {
      const unit = pick(world, world.units)
      const { position } = await world.settled(unit.execute(command, input, options))
      done.push({ id, command, position, key })
    } catch (error) {
      if (!isGridError(error)) throw error
    }
    await world.clock.advance(world.random.integer() % 200)
    if (at % 40 === 39) await world.restartUnit(at % 2)
  }
  return done
}

async function wholeHistory(world: PastWorld, id: string, limit: number): Promise<HistoryPage> {
  const unit = world.units[0] as ProcessingUnit
  const changes: KeyChange[] = []
  for (let cursor: string | undefined; ; ) {
    const asked = cursor === undefined ? { limit } : { limit, cursor }
    const page = await world.settled(unit.past.history('stock', id, asked))
    expect(page.changes.length).toBeLessThanOrEqual(limit)
    changes.push(...page.changes)
    cursor = page.next
    if (cursor === undefined) return { ...page, changes }
  }
}

test.each([1, 2, 3, 4, 5])(
  'the history of an entry has every change of it, once, in order, and what it says was there (seed %i)',
  async (seed) => {
    const world = await begin(seed)
    const done = await live(world, 120)
    // Nothing is due any more.
    await world.clock.advance(1000)
    const unit = world.units[0] as ProcessingUnit
    for (const id of ids) {
      const { changes, since } = await wholeHistory(world, id, 1 + (seed % 4))
      expect(changes.length).toBeGreaterThan(0)
      // Behind each change there was what the one after it changed.
      for (const [at, { to, position }] of changes.entries()) {
        if (at > 0) expect(changes[at - 1]?.from).toEqual(to)
        if (at > 0) expect(changes[at - 1]?.position).toBeGreaterThan(position as number)
      }
      const present = await unit.entry('stock', id).catch(() => undefined)
      expect(changes[0]?.to).toEqual(present?.value)
      // What was acknowledged and has changed something is there, under its name.
      const at = new Map(changes.map((change) => [change.position, change]))
      for (const { command, position, key } of done.filter((it) => it.id === id)) {
        const change = at.get(position as number)
        if (position <= Number(since.position) || (command === 'remove' && !change)) continue
        expect(change, `${command} at ${position}`).toMatchObject({ unit: expect.any(String) })
        expect(change?.command).toBe(command)
        expect(change?.idempotencyKey).toBe(key)
      }
      // What nobody has asked for was due.
      const asked = new Set(done.map(({ position }) => position))
      for (const { position, due, change, command } of changes)
        if (!asked.has(position as number))
          expect([due, change, command]).toEqual([true, 'deleted', undefined])
      // Each is what can be asked as of its position.
      for (const { position, to } of changes.slice(0, 5)) {
        const then = world.settled(unit.past.entry('stock', id, position))
        expect((await then.catch(() => undefined))?.value).toEqual(to)
      }
    }
    await world.stop()
  },
)

test('a history that cannot be told is refused', async () => {
  const world = await begin(6)
  const unit = world.units[0] as ProcessingUnit
  const ask = (cache: string, key: string, asked: object) =>
    world.settled(unit.past.history(cache, key, asked))
  await expect(ask('nothing', 'tea', {})).rejects.toMatchObject({ code: 'unknown_cache' })
  await expect(ask('stock', '', {})).rejects.toMatchObject({ code: 'invalid_key' })
  await expect(ask('stock', 'tea', { limit: 101 })).rejects.toMatchObject({ code: 'invalid_input' })
  await expect(ask('stock', 'tea', { cursor: 'x' })).rejects.toMatchObject({
    code: 'invalid_input',
  })
  expect(await ask('stock', 'tea', {})).toMatchObject({ changes: [], since: { position: 0 } })
  await world.stop()
})
