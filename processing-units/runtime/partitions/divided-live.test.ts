import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
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

const reached = defineQuery('reached', {
  input: Type.Object({ id: Type.String() }),
  partitionBy: 'id',
  handler: (read, { id }) => read.get(steps, id)?.step ?? 0,
})

const walkers = defineQuery('walkers', {
  input: Type.Object({}),
  everyPartition: {
    merge: (results) => (results as number[]).reduce((sum, one) => sum + one, 0),
  },
  handler: (read) => read.count(steps),
})

const space = defineSpace('walk', {
  partitions: 4,
  caches: [steps],
  commands: [step],
  queries: [reached, walkers],
})

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

test('queries of one partition and of all are watched on any unit, wherever they are kept', async () => {
  const world = new PartitionedWorld(space)
  const [first, second, third] = (await world.startSettled(3)) as [
    WorldMember,
    WorldMember,
    WorldMember,
  ]
  const ids = Array.from({ length: 8 }, (_, at) => `walker ${at}`)
  const seen = new Map<string, unknown>()
  let left = false
  const watch = async ({ unit }: WorldMember, query: string, input: object) => {
    let known: string | undefined
    while (!left) {
      try {
        const watched = await unit.live.watch(query, input, { known, withinMs: 5000 })
        if (watched.tag === known) continue
        known = watched.tag
        seen.set(`${unit.name} ${query} ${JSON.stringify(input)}`, JSON.parse(watched.json ?? ''))
      } catch {
        await new Promise<void>((wake) => world.clock.after(50, wake))
      }
    }
  }
  for (const member of [first, second]) {
    for (const id of ids) void watch(member, 'reached', { id })
    void watch(member, 'walkers', {})
  }
  for (const round of [1, 2, 3]) {
    if (round === 3) third.host.crash()
    for (const id of ids)
      await world.settled(first.unit.execute('step', { id }, { idempotencyKey: `${id} ${round}` }))
    const isSeen = (name: string) =>
      seen.get(`${name} walkers {}`) === ids.length &&
      ids.every((id) => seen.get(`${name} reached ${JSON.stringify({ id })}`) === round)
    await world.until(() => isSeen(first.unit.name) && isSeen(second.unit.name), 60_000)
  }
  left = true
  await world.clock.advance(20_000)
  expect(first.unit.live.status().queries).toBe(0)
  await world.stop()
})
