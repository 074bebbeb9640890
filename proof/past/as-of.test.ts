import { isGridError } from '@spacegrid/grid/core/errors'
import { expect, test } from 'vitest'
import { PastWorld, pastMs, trimDelayMs } from './past-world.ts'

const shelves = ['a', 'b', 'c']
const ids = Array.from({ length: 12 }, (_, at) => `item ${at}`)

/** What was answered at a position when it was the present. */
interface Answered {
  readonly position: number
  readonly time: number
  readonly query: string
  readonly shelf: string
  readonly json: string
}

class Story {
  readonly world: PastWorld
  readonly answered: Answered[] = []
  /** Each change of a key: where, and what it was then. */
  readonly written: { readonly id: string; readonly position: number; readonly left?: number }[] =
    []

  constructor(seed: number) {
    this.world = new PastWorld(seed)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.world.random.integer() % items.length] as T
  }

  async begin(): Promise<void> {
    await this.world.startUnit(0)
    await this.world.startUnit(1)
    await this.world.startPump()
    // From the first snapshot on.
    await this.world.until(() => this.world.past.last > 0)
  }

  async step(): Promise<void> {
    const { world } = this
    const chance = world.random.integer() % 100
    if (chance < 60) await this.command()
    else if (chance < 65) await world.restartUnit(this.pick([0, 1]))
    else if (chance < 68) await world.restartPump()
    else await world.clock.advance(1 + (world.random.integer() % 400))
    await this.ask()
  }

  async command(): Promise<void> {
    const { world } = this
    const unit = this.pick(world.units)
    const id = this.pick(ids)
    const left = world.random.integer() % 10
    const shelf = this.pick(shelves)
    const lasts = this.pick([{}, {}, { lastsMs: 1 + (world.random.integer() % 3000) }])
    const [name, input] = this.pick<readonly [string, object]>([
      ['put', { id, shelf, left, ...lasts }],
      ['put', { id, shelf, left }],
      ['take', { id }],
      ['remove', { id }],
    ])
    try {
      await world.settled(unit.execute(name, input))
    } catch (error) {
      if (!isGridError(error)) throw error
    }
  }

  async ask(): Promise<void> {
    const unit = this.pick(this.world.units)
    const query = this.pick(['onShelf', 'shelfRow'])
    const shelf = this.pick(shelves)
    const { result, position } = await unit.query(query, { shelf })
    const time = this.world.clock.now()
    this.answered.push({ position, time, query, shelf, json: JSON.stringify(result) })
  }
}

// 10 stories of 150 steps each, in virtual time.
test.each(Array.from({ length: 10 }, (_, at) => at + 1))(
  'as of every position the answer is the one that was given when it was the present (seed %i)',
  async (seed) => {
    const story = new Story(seed)
    const { world, answered } = story
    await story.begin()
    for (let step = 0; step < 150; step++) await story.step()
    let refused = 0
    const reach: { oldest?: number } = {}
    for (const { position, query, shelf, json } of answered) {
      const unit = story.pick(world.units)
      const asked = world.settled(unit.past.query(query, { shelf }, position))
      const answer = await asked.catch((error: unknown) => {
        if (!isGridError(error, 'position_out_of_reach')) throw error
        reach.oldest = Number(error.details.oldest)
        expect(position).toBeLessThan(reach.oldest)
        refused++
      })
      if (!answer) continue
      expect(answer.position).toBe(position)
      expect(JSON.stringify(answer.result), `position ${position}`).toBe(json)
    }
    // All of what is promised is there, and what was trimmed is not.
    const since = world.clock.now() - pastMs
    const promised = answered.filter(({ time }) => time > since)
    expect(answered.length - refused).toBeGreaterThanOrEqual(promised.length)
    if (world.log.first > 1) expect(refused).toBeGreaterThan(0)
    await world.stop()
  },
)

test('the log is trimmed up to the oldest snapshot that is needed, and not before', async () => {
  const story = new Story(4711)
  const { world } = story
  await story.begin()
  while (world.log.first === 1) await story.step()
  await world.clock.advance(trimDelayMs + 3000)
  for (let at = 0; at < 100; at++) await story.step()
  const unit = world.units[0]
  const asked = unit?.past.query('onShelf', { shelf: 'a' }, 1) as Promise<unknown>
  await expect(world.settled(asked)).rejects.toMatchObject({
    code: 'position_out_of_reach',
    details: { oldest: world.log.first, newest: world.log.last },
  })
  await world.stop()
})
