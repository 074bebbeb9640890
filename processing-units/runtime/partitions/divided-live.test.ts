import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { pointsText } from '@spacegrid/grid/core/resume-point'
import type { Following, Happening } from '@spacegrid/grid/doors/request/live'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { expect, test } from 'vitest'
import { PartitionedWorld, type WorldMember } from './test-support/partitioned-world.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const steps = defineCache('steps', {
  schema: Type.Object({ id: Type.String(), step: Type.Integer() }),
  key: 'id',
  partitionBy: 'id',
  readable: true,
})

const step = defineCommand('step', {
  input: Type.Object({ id: Type.String() }),
  partitionBy: 'id',
  handler: (tx, { id }) => {
    const next = (tx.get(steps, id)?.step ?? 0) + 1
    tx.put(steps, { id, step: next })
    tx.emit('Stepped', { id, step: next })
    return { step: next }
  },
})

const space = defineSpace('walk', { partitions: 4, caches: [steps], commands: [step] })

/** Follows one member after the other, from where it was. */
class Walker {
  readonly told: Happening[] = []
  readonly resets: string[] = []
  id: string | undefined
  #following: Following | undefined

  follow({ unit }: WorldMember): void {
    this.#following?.close()
    const following = unit.live.follow({}, this.id)
    this.#following = following
    void this.#read(following)
  }

  leave(): void {
    this.#following?.close()
    this.#following = undefined
  }

  async #read(following: Following): Promise<void> {
    while (following === this.#following) {
      const batch = await following.next()
      if (following !== this.#following) return
      if (batch.reset) this.resets.push(batch.reset)
      this.told.push(...batch.happenings)
      this.id = pointsText(batch.points, 'events', true)
    }
  }

  /** By id: the steps that were told, in order. */
  get steps(): Record<string, number[]> {
    const steps: Record<string, number[]> = {}
    for (const happening of this.told)
      if (happening.kind === 'event') {
        const { id, step } = happening.payload as { id: string; step: number }
        steps[id] = [...(steps[id] ?? []), step]
      }
    return steps
  }
}

test(`events of all partitions, each once and in the order of its own, whoever is asked and whoever dies: seed ${seed}`, async () => {
  const random = new SeededRandom(seed)
  const world = new PartitionedWorld(space, seed)
  const members = await world.startSettled(3)
  const [first, second, third] = members as [WorldMember, WorldMember, WorldMember]
  const steady = new Walker()
  steady.follow(first)
  const moving = new Walker()
  moving.follow(second)
  await world.until(() => steady.id !== undefined && moving.id !== undefined)
  const done: Record<string, number> = {}
  for (let round = 0; round < 120; round++) {
    if (round === 60) {
      moving.leave()
      third.host.crash()
      await world.settle([first, second])
      moving.follow(second)
    }
    const id = `walker ${random.below(12)}`
    const answer = await world.settled(first.unit.execute('step', { id }))
    done[id] = (answer.result as { step: number }).step
    if (random.chance(0.15)) moving.follow(random.chance(0.5) ? first : second)
  }
  const wanted = Object.fromEntries(
    Object.entries(done).map(([id, last]) => [id, Array.from({ length: last }, (_, at) => at + 1)]),
  )
  const isTold = ({ told }: Walker) => told.length >= 120
  await world.until(() => isTold(steady) && isTold(moving))
  expect(steady.steps).toEqual(wanted)
  expect(moving.steps).toEqual(wanted)
  expect([...steady.resets, ...moving.resets]).toEqual([])
  steady.leave()
  moving.leave()
  await world.stop()
})
