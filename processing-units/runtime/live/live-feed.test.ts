import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { pointsText } from '@spacegrid/grid/core/resume-point'
import type { FollowFilter, Following, Happening } from '@spacegrid/grid/doors/request/live'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { UnitWorld, type WorldUnit } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const items = defineCache('items', {
  schema: Type.Object({ id: Type.String(), group: Type.String(), rank: Type.Integer() }),
  key: 'id',
  indexes: { byRank: ['group', 'rank'] },
  readable: true,
})

const put = defineCommand('put', {
  input: Type.Object({ id: Type.String(), group: Type.String(), rank: Type.Integer() }),
  handler: (tx, item) => {
    tx.put(items, item)
    tx.emit('ItemPut', { id: item.id, rank: item.rank })
    if (item.rank % 2 === 0) tx.emit('EvenPut', { id: item.id })
  },
})

const drop = defineCommand('drop', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    tx.delete(items, id)
    tx.emit('ItemDropped', { id })
  },
})

const many = defineCommand('many', {
  input: Type.Object({ count: Type.Integer() }),
  handler: (tx, { count }) => {
    for (let number = 1; number <= count; number++) tx.emit('Counted', { number })
  },
})

const space = defineSpace('shelf', { caches: [items], commands: [put, drop, many] })

const everyItem = { cache: 'items', fields: 'all' } as const
const filters: Readonly<Record<string, FollowFilter>> = {
  events: {},
  named: { events: ['EvenPut', 'ItemDropped'] },
  cache: { events: [], entries: everyItem },
  both: { entries: everyItem },
  key: { events: [], entries: { ...everyItem, key: 'item 3' } },
  range: {
    events: [],
    entries: { ...everyItem, index: 'byRank', range: { equals: ['a'], from: 3, to: 6 } },
  },
}

/** What is told, without where. */
const told = ({ partition: _, point, ...happening }: Happening) => ({
  position: point.position,
  ...happening,
})

/** Follows from a token on, in the background of a test's time. */
class Reader {
  readonly told: unknown[] = []
  readonly resets: string[] = []
  id: string | undefined
  #following: Following | undefined
  readonly #kind: 'events' | 'entries'
  readonly #filter: FollowFilter

  constructor(filter: FollowFilter) {
    this.#filter = filter
    this.#kind = filter.entries ? 'entries' : 'events'
  }

  follow({ unit }: WorldUnit): void {
    const following = unit.live.follow(this.#filter, this.id)
    this.#following = following
    void this.#read(following)
  }

  /** What comes in after that was never read. */
  leave(): void {
    this.#following?.close()
    this.#following = undefined
  }

  async #read(following: Following): Promise<void> {
    while (following === this.#following) {
      const { happenings, points, reset } = await following.next()
      if (following !== this.#following) return
      if (reset) this.resets.push(reset)
      for (const happening of happenings) {
        this.told.push(told(happening))
        this.id = pointsText([happening.point], this.#kind, false)
      }
      // A reader that is cut off in the middle of a batch goes on from there.
      if (this.leaveWithin !== undefined && happenings.length > 1) {
        const at = this.leaveWithin % happenings.length
        this.told.splice(this.told.length - happenings.length + at + 1)
        this.id = pointsText([(happenings[at] as Happening).point], this.#kind, false)
        this.leaveWithin = undefined
        this.leave()
        return
      }
      this.id = pointsText(points, this.#kind, false)
    }
  }

  leaveWithin: number | undefined
}

/** Enough for all that happens, and so little that whoever was away is told it from the log. */
const memories = { all: undefined, little: 1500 }

test.each(
  Object.keys(filters).flatMap((name) =>
    Object.keys(memories).map((memory) => [name, memory as keyof typeof memories] as const),
  ),
)(
  `whoever follows is told what was committed, once and in order, over changes of the unit: %s, remembered: %s, seed ${seed}`,
  async (name, memory) => {
    const random = new SeededRandom(seed)
    const world = new UnitWorld(space)
    const liveBytesMax = memories[memory]
    const options = liveBytesMax === undefined ? {} : { liveBytesMax }
    const units = [await world.startReady(options), await world.startReady(options)]
    const filter = filters[name] as FollowFilter
    const steady = new Reader(filter)
    steady.follow(units[0] as WorldUnit)
    const moving = new Reader(filter)
    moving.follow(units[1] as WorldUnit)
    await world.until(() => steady.id !== undefined && moving.id !== undefined)
    for (let round = 0; round < 150; round++) {
      const { unit } = units[random.below(2)] as WorldUnit
      const id = `item ${random.below(8)}`
      const group = random.chance(0.7) ? 'a' : 'b'
      const asked = random.chance(0.3)
        ? unit.execute('drop', { id })
        : unit.execute('put', { id, group, rank: random.below(10) })
      if (random.chance(0.5)) await world.settled(asked)
      if (random.chance(0.1)) moving.leaveWithin = random.below(5)
      if (random.chance(0.1)) moving.leave()
      if (random.chance(0.3)) {
        moving.leave()
        moving.follow(units[random.below(2)] as WorldUnit)
      }
    }
    moving.leave()
    moving.leaveWithin = undefined
    moving.follow(units[0] as WorldUnit)
    await world.until(() => steady.told.length > 0 && moving.told.length >= steady.told.length)
    await world.clock.advance(20_000)
    expect(moving.told).toEqual(steady.told)
    expect([...steady.resets, ...moving.resets]).toEqual([])
    steady.leave()
    moving.leave()
    await world.stop()
  },
)

test('with nobody who follows nothing is remembered; who comes back is told from the log, or that it is gone', async () => {
  const world = new UnitWorld(space)
  const { unit } = await world.startReady()
  const execute = (rank: number) =>
    world.settled(unit.execute('put', { id: 'one', group: 'a', rank }))
  await execute(1)
  expect(unit.live.status()).toMatchObject({ remembers: false, bytes: 0, followed: 0 })
  const following = unit.live.follow({})
  const first = await world.settled(following.next())
  expect(first.happenings).toEqual([])
  await execute(2)
  expect((await world.settled(following.next())).happenings.map(told)).toMatchObject([
    { kind: 'event', name: 'ItemPut', payload: { id: 'one', rank: 2 } },
    { kind: 'event', name: 'EvenPut' },
  ])
  expect(unit.live.status()).toMatchObject({ remembers: true, followed: 1 })
  following.close()
  await world.clock.advance(130_000)
  expect(unit.live.status()).toMatchObject({ remembers: false, bytes: 0, followed: 0 })
  const point = pointsText(first.points, 'events', false)
  const late = unit.live.follow({}, point)
  expect((await world.settled(late.next())).happenings.map(told)).toMatchObject([
    { name: 'ItemPut', payload: { rank: 2 } },
    { name: 'EvenPut' },
  ])
  late.close()
  await world.clock.advance(130_000)
  world.stream.trim(world.stream.last)
  const later = unit.live.follow({}, point)
  expect(await world.settled(later.next())).toMatchObject({ happenings: [], reset: 'gone' })
  await execute(3)
  expect((await world.settled(later.next())).happenings.map(told)).toMatchObject([
    { name: 'ItemPut', payload: { rank: 3 } },
  ])
  later.close()
  await world.stop()
})

test('what is remembered is bounded: the oldest is forgotten first', async () => {
  const world = new UnitWorld(space)
  const { unit } = await world.startReady({ liveBytesMax: 4000 })
  const following = unit.live.follow({ entries: everyItem })
  const { points } = await world.settled(following.next())
  let last = 0
  for (let rank = 0; rank < 100; rank++)
    last = (await world.settled(unit.execute('put', { id: 'one', group: 'a', rank }))).position
  const { bytes } = unit.live.status()
  expect(bytes).toBeGreaterThan(2000)
  expect(bytes).toBeLessThanOrEqual(4000)
  world.stream.trim(last - 5)
  const late = unit.live.follow({ entries: everyItem }, pointsText(points, 'entries', false))
  expect(await world.settled(late.next())).toMatchObject({ reset: 'gone' })
  const recent = unit.live.follow({ entries: everyItem }, String(last - 2))
  expect((await world.settled(recent.next())).happenings.length).toBeGreaterThan(2)
  for (const one of [following, late, recent]) one.close()
  await world.stop()
})

test('a point of another log, or of another kind of stream, is told apart', async () => {
  const world = new UnitWorld(space)
  const { unit } = await world.startReady()
  const following = unit.live.follow({}, '5000')
  expect(await world.settled(following.next())).toMatchObject({ reset: 'unknown' })
  following.close()
  for (const id of ['', 'x', '1.5', '-1', '12c3', '1-2'])
    expect(() => unit.live.follow({}, id)).toThrow(
      expect.objectContaining({ code: 'invalid_header' }),
    )
  await world.stop()
})

test('more than is told at once is told in pieces, each behind the one before', async () => {
  const world = new UnitWorld(space)
  const { unit } = await world.startReady()
  const steady = new Reader({})
  steady.follow({ unit } as WorldUnit)
  await world.until(() => steady.id !== undefined)
  await world.settled(unit.execute('many', { count: 2500 }))
  await world.until(() => steady.told.length >= 2500)
  const numbers = (steady.told as { payload: { number: number } }[]).map((it) => it.payload.number)
  expect(numbers).toEqual(Array.from({ length: 2500 }, (_, at) => at + 1))
  steady.leave()
  await world.stop()
})
