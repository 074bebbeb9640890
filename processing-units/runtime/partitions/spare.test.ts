import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { divided } from './test-support/divided-counters.ts'
import { PartitionedWorld, type WorldMember } from './test-support/partitioned-world.ts'

const { partitions = 1 } = divided
const ids = Array.from({ length: 24 }, (_, at) => `counter-${at}`)

let world: PartitionedWorld
beforeEach(() => {
  const made = new PartitionedWorld(divided)
  world = made
  onTestFinished(() => made.stop())
})

const add = (member: WorldMember, id: string) => world.settled(member.unit.execute('add', { id }))
const homesOf = ({ unit }: WorldMember) => unit.placement().homes

async function withSpare() {
  const [front] = (await world.startSettled(1)) as [WorldMember]
  for (const id of ids) await add(front, id)
  const spare = world.start({ isSpare: true })
  expect(spare.unit.readiness().ready).toBe(false)
  await world.until(() => spare.unit.readiness().ready)
  return { front, spare }
}

test('a spare keeps everything, and nobody counts on it', async () => {
  const { front, spare } = await withSpare()
  await world.clock.advance(5000)
  expect(spare.unit.kept.size).toBe(partitions)
  expect(front.unit.kept.size).toBe(partitions)
  const placement = front.unit.placement()
  expect(placement.members.map(({ name }) => name)).toEqual(['unit-0'])
  expect(homesOf(front)).toEqual(Array(partitions).fill('unit-0'))
  for (const id of ids) await add(front, id)
  expect(placement.passed).toMatchObject({ answered: 0 })
})

test('called up it is home of its share at once, and knows everything', async () => {
  const { front, spare } = await withSpare()
  for (const id of ids) await add(front, id)
  const calledAt = world.clock.monotonic()
  spare.unit.callUp()
  const share = (member: WorldMember) => homesOf(member).filter((name) => name === 'unit-1').length
  await world.until(() => share(front) > 0 && share(front) === share(spare))
  expect(world.clock.monotonic() - calledAt).toBeLessThan(500)
  expect(share(front)).toBeGreaterThanOrEqual(Math.floor(partitions / 2) - 1)
  for (const id of ids) {
    const { position } = await add(front, id)
    const answer = await world.settled(spare.unit.query('count', { id }, { position }))
    expect(answer).toMatchObject({ result: { count: 3 } })
  }
})

test('the others go on without it when it dies as a spare', async () => {
  const { front, spare } = await withSpare()
  spare.host.crash()
  await world.clock.advance(5000)
  expect(front.unit.readiness()).toEqual({ ready: true })
  for (const id of ids) await add(front, id)
})
