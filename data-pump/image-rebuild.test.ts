import { idempotencyCacheNumber } from '@spacegrid/grid/core/shape'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { Replica } from '@spacegrid/grid/engine/replica/replica'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStore } from '@spacegrid/grid/kit/simulated-store'
import { expect, test } from 'vitest'
import { rebuildImage } from './image-rebuild.ts'
import { defaultPumpSettings as limits } from './pump-options.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

function replicaOf(count: number, position: number): Replica {
  const state = new SpaceState()
  for (let at = 0; at < count; at++)
    state.write(idempotencyCacheNumber, `key ${at}`, { at, position }, at + 1, position)
  state.position = position
  return new Replica(new SimulatedLog(new SystemClock()), state)
}

/**
 * An image whose operations take a turn or several, so that two builders come into each other's
 * way.
 */
class SlowImage extends SimulatedStore {
  readonly #random: SeededRandom
  constructor(random: SeededRandom) {
    super({ scan: 'fuzzy' })
    this.#random = random
  }

  override async apply(...step: Parameters<SimulatedStore['apply']>): Promise<void> {
    await this.#turns()
    await super.apply(...step)
  }

  override async clear(space: string): Promise<void> {
    await this.#turns()
    await super.clear(space)
  }

  async #turns(): Promise<void> {
    for (let turns = this.#random.below(4); turns > 0; turns--)
      await new Promise((resolve) => setImmediate(resolve))
  }
}

test(`of several rebuildings at once none leaves half an image: seed ${seed}`, async () => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 40; round++) {
    const image = new SlowImage(random)
    const counts = [2500, 3500, 1500]
    const outcomes = await Promise.allSettled(
      counts.map((count, number) =>
        rebuildImage(
          'test',
          { image, replica: replicaOf(count, number + 1), random },
          'log',
          limits,
          () => false,
        ),
      ),
    )
    expect(outcomes.some(({ status }) => status === 'fulfilled')).toBe(true)
    const { position = 0, entries } = (await image.checkpoint('test')) ?? {}
    expect(position).toBeGreaterThan(0)
    let found = 0
    for await (const chunk of (await image.scan('test'))?.chunks() ?? [])
      for (const entry of chunk) {
        expect(entry.position).toBe(position)
        found++
      }
    expect([found, found]).toEqual([entries, counts[position - 1]])
  }
})

test('an image that is being built shows no position', async () => {
  const random = new SeededRandom(seed)
  const image = new SimulatedStore()
  let steps = 0
  await rebuildImage('test', { image, replica: replicaOf(5000, 7), random }, 'log', limits, () => {
    steps++
    return steps === 3
  })
  expect((await image.checkpoint('test'))?.position).toBeLessThan(0)
  await rebuildImage(
    'test',
    { image, replica: replicaOf(5000, 7), random },
    'log',
    limits,
    () => false,
  )
  expect(await image.checkpoint('test')).toMatchObject({ position: 7, entries: 5000 })
})
