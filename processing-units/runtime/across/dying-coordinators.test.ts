import { fateOf } from '@spacegrid/grid/kit/unit-world'
import { expect, onTestFinished, test } from 'vitest'
import { partitionOfInput } from '../partitions/partition-of.ts'
import { PartitionedWorld, type WorldMember } from '../partitions/test-support/partitioned-world.ts'
import { bank, deposit } from './test-support/divided-bank.ts'
import { leftOver } from './test-support/left-over.ts'

const partitionOf = (id: string) => partitionOfInput(bank, deposit, { id })
const accountIn = (partition: number) => {
  for (let n = 0; ; n++) if (partitionOf(`account-${n}`) === partition) return `account-${n}`
}
const [from, to] = [accountIn(0), accountIn(1)]

const balanceOf = async (world: PartitionedWorld, { unit }: WorldMember, id: string) => {
  const query = unit.query('balance', { id }, { latest: true })
  return ((await world.settled(query)).result as { balance: number }).balance
}

/** Between any two things that the unit does which was asked; it is home of some, too. */
const deaths = Array.from({ length: 24 }, (_, acts) => acts)

// docs/decisions/0033: the coordinator may die at any moment. Nothing is blocked by it, whoever was
// answered was answered with what is so, and whoever asks again with the same key is done once.
test.each(deaths)(
  'a coordinator that dies after %i more acts leaves nothing behind',
  async (acts) => {
    const world = new PartitionedWorld(bank, acts + 1)
    onTestFinished(() => world.stop())
    const members = await world.startSettled(3)
    const [victim, ...others] = members as [WorldMember, WorldMember, WorldMember]
    for (const id of [from, to])
      await world.settled(victim.unit.execute('open', { id, amount: 100 }))
    const request = { from, to, amount: 30 }
    const options = { idempotencyKey: 'k' }
    victim.host.crashAfter(acts)
    const answered = fateOf(victim.unit.execute('transfer', request, options))
    await world.until(() => !victim.host.alive || answered.value !== undefined)
    const was = answered.value?.result
    victim.host.crash()
    const again = await world.settled(others[0].unit.execute('transfer', request, options), 60_000)
    expect(again.result).toEqual([{ balance: 70 }, { balance: 130 }])
    if (was) expect(again).toMatchObject({ result: was, replayed: true })
    await world.until(() => leftOver(members).length === 0, 60_000)
    expect(await balanceOf(world, others[0], from)).toBe(70)
    expect(await balanceOf(world, others[1], to)).toBe(130)
  },
)

test('what a dead coordinator holds lets nobody through, and nobody is told anything wrong', async () => {
  const world = new PartitionedWorld(bank, 99)
  onTestFinished(() => world.stop())
  const members = await world.startSettled(3)
  const [asked] = members as [WorldMember]
  for (const id of [from, to]) await world.settled(asked.unit.execute('open', { id, amount: 100 }))
  const state = () => members.map(({ unit }) => unit.kept.get(1)?.state).find(Boolean)!
  const before = asked.host
  void fateOf(asked.unit.execute('transfer', { from, to, amount: 30 }))
  await world.until(() => state().holds.size > 0)
  before.crash()
  const [other] = members.filter(({ host }) => host.alive) as [WorldMember]
  // It waits, parked, until what is held has outlived its time and somebody has looked after it.
  const counted = fateOf(other.unit.execute('deposit', { id: to, amount: 1 }))
  const waiting = () =>
    members
      .filter(({ host }) => host.alive)
      .flatMap(({ unit }) => [...unit.parts.values()])
      .reduce((n, part) => n + (part.status().holds?.waiting ?? 0), 0)
  await world.until(() => waiting() === 1 || counted.value !== undefined)
  expect(waiting()).toBe(1)
  await world.until(() => counted.value !== undefined || counted.error !== undefined, 30_000)
  const balance = await balanceOf(world, other, to)
  expect(counted.value?.result).toEqual({ balance })
  await world.until(() => leftOver(members).length === 0, 60_000)
  const sum = (await balanceOf(world, other, from)) + (await balanceOf(world, other, to))
  expect(sum).toBe(201)
})

test('a coordinator that was not heard of for a while does what its log says', async () => {
  const world = new PartitionedWorld(bank, 7)
  onTestFinished(() => world.stop())
  const members = await world.startSettled(3)
  const homes = members[0]!.unit.placement().homes
  // Neither home of the one nor of the other: only the coordination stands still.
  const slow = members.find(({ unit }) => unit.name !== homes[0] && unit.name !== homes[1])!
  const others = members.filter((member) => member !== slow)
  for (const id of [from, to])
    await world.settled(others[0]!.unit.execute('open', { id, amount: 100 }))
  const answered = fateOf(slow.unit.execute('transfer', { from, to, amount: 30 }))
  await world.until(() => leftOver(others).length >= 2)
  slow.host.pause()
  await world.until(() => leftOver(others).length === 0, 30_000)
  slow.host.resume()
  await world.until(() => answered.value !== undefined || answered.error !== undefined, 30_000)
  await world.until(() => leftOver(members).length === 0, 60_000)
  const balances = [
    await balanceOf(world, others[0]!, from),
    await balanceOf(world, others[0]!, to),
  ]
  expect(balances).toEqual(answered.value ? [70, 130] : [100, 100])
})

test('who is answered reads what was done, where it is still held', async () => {
  const world = new PartitionedWorld(bank, 8)
  onTestFinished(() => world.stop())
  const members = await world.startSettled(3)
  const { homes } = members[0]!.unit.placement()
  const homeOf = (partition: number) => members.find(({ unit }) => unit.name === homes[partition])!
  for (const id of [from, to])
    await world.settled(members[0]!.unit.execute('open', { id, amount: 100 }))
  const home = homeOf(1)
  const asked = members.find((member) => member !== home)!
  const keeper = members.find((member) => member !== home && member.unit.kept.has(1))!
  const answered = fateOf(asked.unit.execute('transfer', { from, to, amount: 30 }))
  const isDecided = () =>
    members.some(({ unit }) => {
      const state = unit.kept.get(0)?.state
      return state && state.cache(state.layout.commits).entries.size > 0
    })
  while (!isDecided()) await world.clock.advance(0.5)
  home.host.pause()
  await world.until(() => answered.value !== undefined)
  expect(keeper.unit.kept.get(1)!.state!.holds.size).toBe(1)
  const { position } = answered.value!
  const read = fateOf(keeper.unit.query('balance', { id: to }, { position }))
  const latest = fateOf(keeper.unit.query('balance', { id: to }, { latest: true }))
  await world.clock.advance(100)
  expect([read.value, latest.value]).toEqual([undefined, undefined])
  home.host.resume()
  await world.until(() => read.value !== undefined && latest.value !== undefined)
  expect(read.value!.result).toEqual({ balance: 130 })
  expect(latest.value!.result).toEqual({ balance: 130 })
})
