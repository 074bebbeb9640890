import { defineCommand, defineQuery, defineSpace, Type } from '@spacegrid/grid/core/define'
import { isGridError } from '@spacegrid/grid/core/errors'
import { type PositionToken, positionsOf } from '@spacegrid/grid/core/position'
import type { HistoryPage, KeyChange } from '@spacegrid/grid/doors/request/serving'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { expect, test } from 'vitest'
import { partitionOfInput } from './partition-of.ts'
import type { PartitionedUnit } from './partitioned-unit.ts'
import { add, count, counters, draw, tickets, total } from './test-support/divided-counters.ts'
import { PartitionedWorld } from './test-support/partitioned-world.ts'

const both = defineCommand('both', {
  input: Type.Object({ one: Type.String(), other: Type.String() }),
  parts: ({ one, other }) => [
    { command: add, input: { id: one } },
    { command: add, input: { id: other } },
  ],
})

const all = defineQuery('all', {
  input: Type.Object({}),
  handler: (read) => read.range(counters, 'byCount').map(({ id, count }) => `${id}=${count}`),
  everyPartition: { merge: (lists) => lists.flat().sort() },
})

const space = defineSpace('divided', {
  partitions: 4,
  caches: [counters, tickets],
  commands: [add, draw, both],
  queries: [count, total, all],
})

const ids = Array.from({ length: 8 }, (_, at) => `counter-${at}`)

/** What was answered when it was the present: how it is asked for again. */
interface Answered {
  readonly json: string
  readonly position: PositionToken
  again(unit: PartitionedUnit): Promise<unknown>
}

class Story {
  readonly world: PartitionedWorld
  readonly random: SeededRandom
  readonly answered: Answered[] = []
  /** Each ticket that was drawn. */
  readonly drawn: { readonly ticket: string; readonly position: PositionToken }[] = []
  /** Acknowledged additions by counter. */
  readonly added = new Map<string, number>()

  constructor(seed: number) {
    this.world = new PartitionedWorld(space, seed)
    this.random = new SeededRandom(seed)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.random.integer() % items.length] as T
  }

  get unit(): PartitionedUnit {
    return this.pick(this.world.members.filter(({ host }) => host.alive)).unit
  }

  async step(at: number): Promise<void> {
    const chance = this.random.integer() % 100
    if (chance < 55) await this.command(at)
    else await this.world.clock.advance(1 + (this.random.integer() % 50))
    await this.ask()
    if (at % 30 === 29) await this.restart()
  }

  async restart(): Promise<void> {
    const alive = this.world.members.filter(({ host }) => host.alive)
    const gone = this.pick(alive)
    gone.host.crash()
    const others = alive.filter((it) => it !== gone)
    await this.world.settle([...others, this.world.start()])
  }

  async command(at: number): Promise<void> {
    const { world, unit } = this
    const [id, other] = [this.pick(ids), this.pick(ids)]
    const idempotencyKey = `key-${at}`
    const ticket = `ticket-${this.random.integer() % 4}`
    const made = this.pick(['add', 'add', 'both', 'draw'])
    const input = { add: { id }, both: { one: id, other }, draw: { id, ticket } }[made]
    try {
      const { position } = await world.settled(unit.execute(made, input, { idempotencyKey }))
      if (made === 'draw') this.drawn.push({ ticket, position })
      else
        for (const one of made === 'add' ? [id] : [id, other])
          this.added.set(one, (this.added.get(one) ?? 0) + 1)
    } catch (error) {
      if (!isGridError(error)) throw error
    }
  }

  async ask(): Promise<void> {
    const { unit, world } = this
    const id = this.pick(ids)
    const batch = [{ query: 'count', input: { id } }, { query: 'all' }, { query: 'no' }]
    const kind = this.pick(['query', 'count', 'batch', 'entry', 'time'])
    if (kind === 'query') {
      const query = this.pick(['total', 'all'])
      const { result, position } = await world.settled(unit.query(query, {}))
      this.told(position, result, (it) => it.past.query(query, {}, position))
    } else if (kind === 'count') {
      const { result, position } = await world.settled(unit.query('count', { id }))
      this.told(position, result, (it) => it.past.query('count', { id }, position))
    } else if (kind === 'batch') {
      const { answers, position } = await world.settled(unit.queries(batch))
      this.told(position, answers, (it) => it.past.queries(batch, position))
    } else if (kind === 'entry') {
      const found = await world.settled(unit.entry('counters', id)).catch(() => undefined)
      if (!found) return
      this.told(found.position, found.value, (it) => it.past.entry('counters', id, found.position))
    } else {
      // Nothing is under way: what has been stored by now is all that there is.
      const { result } = await world.settled(unit.query('all', {}, { latest: true }))
      const time = new Date(world.clock.now())
      this.told('', result, (it) => it.past.query('all', {}, time))
      await world.clock.advance(2)
    }
  }

  told(position: PositionToken, what: unknown, again: Answered['again']): void {
    this.answered.push({ json: JSON.stringify(what), position, again })
  }
}

const toldIn = (answer: unknown): string => {
  const { result, answers, value } = Object(answer)
  return JSON.stringify(result ?? answers ?? value)
}

// 4 stories of 120 steps each, in virtual time, with units that die.
test.each([1, 2, 3, 4])(
  'as of every position, or time, the answer is the one that was given then (seed %i)',
  async (seed) => {
    const story = new Story(seed)
    const { world, answered } = story
    await world.startSettled(3)
    for (let step = 0; step < 120; step++) await story.step(step)
    for (const { json, position, again } of answered) {
      const answer = await world.settled(again(story.unit))
      expect(toldIn(answer), `position ${position}`).toBe(json)
      if (position !== '') expect(Object(answer).position).toBe(position)
    }
    expect(answered.some(({ position }) => positionsOf(position)?.size === 4)).toBe(true)
    for (const [id, times] of story.added) {
      const { changes } = await history(story, 'counters', id)
      // An answer that was lost with its unit may have been done.
      expect(changes.length).toBeGreaterThanOrEqual(times)
      for (const { command } of changes) expect(['add', 'both']).toContain(command)
      expect(changes.map(({ to }) => to?.count)).toEqual(
        changes.map((_, at) => changes.length - at),
      )
    }
    for (const ticket of new Set(story.drawn.map((it) => it.ticket))) {
      const { changes } = await history(story, 'tickets', ticket)
      const times = changes.map(({ time }) => time)
      expect(times).toEqual(times.toSorted((one, other) => other - one))
      const drawn = story.drawn.filter((it) => it.ticket === ticket)
      const positions = changes.map(({ position }) => position)
      for (const { position } of drawn) expect(positions).toContain(position)
      expect(new Set(positions).size).toBe(positions.length)
    }
    await world.stop()
  },
  60_000,
)

/** All pages of it. */
async function history(story: Story, cache: string, key: string): Promise<HistoryPage> {
  const changes: KeyChange[] = []
  const limit = 1 + (story.random.integer() % 3)
  for (let cursor: string | undefined; ; ) {
    const asked = cursor === undefined ? { limit } : { limit, cursor }
    const page = await story.world.settled(story.unit.past.history(cache, key, asked))
    expect(page.changes.length).toBeLessThanOrEqual(limit)
    changes.push(...page.changes)
    cursor = page.next
    if (cursor === undefined) return { ...page, changes }
  }
}

test('what names no moment of all that is asked is refused, and what is out of reach', async () => {
  const { world, unit } = await begun()
  const id = ids[0] as string
  const { position } = await world.settled(unit.execute('add', { id }))
  const partition = partitionOfInput(space, count, { id })
  const [[, at]] = [...(positionsOf(position) ?? [])] as [[number, number]]
  const past = unit.past
  expect(await world.settled(past.query('count', { id }, position))).toMatchObject({ position })
  const refusals: readonly (readonly [() => Promise<unknown>, object])[] = [
    [() => past.query('total', {}, position), { code: 'invalid_header' }],
    [() => past.query('count', { id }, 5), { code: 'invalid_header' }],
    [() => past.entry('tickets', 'none', position), { code: 'invalid_header' }],
    [() => past.query('none', {}, position), { code: 'unknown_query' }],
    [() => past.query('total', {}, new Date(8e14)), { code: 'position_out_of_reach' }],
    [() => past.history('none', id), { code: 'unknown_cache' }],
    [() => past.history('counters', id, { limit: 0 }), { code: 'invalid_input' }],
    [() => past.history('counters', id, { cursor: '1.0' }), { code: 'invalid_input' }],
    [() => past.history('counters', id, { cursor: '9:1.0' }), { code: 'invalid_input' }],
    [
      () => past.query('count', { id }, `${partition}.${at + 99}`),
      {
        code: 'position_out_of_reach',
        message: expect.stringMatching(`^divided.${partition}: `),
        details: { oldest: `${partition}.0`, newest: `${partition}.${at}` },
      },
    ],
  ]
  for (const [ask, refusal] of refusals)
    await expect(world.settled(ask())).rejects.toMatchObject(refusal)
  expect(await world.settled(past.history('tickets', 'none'))).toMatchObject({
    changes: [],
    since: { position: '0.0-1.0-2.0-3.0' },
  })
})

test('several queries as of the past fail each for itself, wherever they are answered', async () => {
  const { world } = await begun(4)
  const [member] = world.members
  const unit = member?.unit as PartitionedUnit
  const foreign = ids.find((id) => !unit.kept.has(partitionOfInput(space, count, { id }))) as string
  await world.settled(unit.execute('add', { id: foreign }))
  const { position } = await world.settled(unit.query('all', {}))
  await world.settled(unit.execute('add', { id: foreign }))
  const batch = [{ query: 'count', input: { id: foreign } }, { query: 'count' }, { query: 'all' }]
  const { answers } = await world.settled(unit.past.queries(batch, position))
  expect(answers).toMatchObject([
    { result: { count: 1 } },
    { error: { code: 'invalid_input' } },
    { result: [`${foreign}=1`] },
  ])
  const explained = unit.past.query('count', { id: foreign }, position, { explain: true })
  expect((await world.settled(explained)).explanation).toMatchObject([
    { partition: partitionOfInput(space, count, { id: foreign }) },
  ])
  const there = unit.past.at(partitionOfInput(space, count, { id: foreign }))
  const asked = there.query('count', { id: foreign }, position)
  expect((await world.settled(asked)).result).toEqual({ count: 1 })
  expect((await world.settled(there.history('counters', foreign))).changes).toHaveLength(2)
})

async function begun(members = 1) {
  const story = new Story(99)
  await story.world.startSettled(members)
  return { world: story.world, unit: story.unit }
}
