import { decodePresence } from '@spacegrid/grid/engine/placement/presence-message'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { Host } from '@spacegrid/grid/kit/host'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { decodeAnswer, encodeRequest } from '../partitions/passed-request.ts'
import { type AffinityMember, AffinityWorld } from './test-support/affinity-world.ts'

let world: AffinityWorld

beforeEach(() => {
  const made = new AffinityWorld()
  world = made
  onTestFinished(() => made.stop())
})

const collisionsOf = (members: readonly AffinityMember[]) =>
  members.reduce((sum, { unit }) => sum + unit.status().collisions, 0)
const affinityOf = ({ unit }: AffinityMember) => unit.status().affinity!
const homeAsOf = (member: AffinityMember) => affinityOf(member).keys[0]?.home
const passedBy = (members: readonly AffinityMember[]) =>
  members.reduce((sum, member) => sum + affinityOf(member).passed.answered, 0)
const homeOf = (members: readonly AffinityMember[]) => {
  const name = homeAsOf(members.find(({ host }) => host.acts())!)
  return members.find(({ unit }) => unit.name === name)!
}
const countOf = async (member: AffinityMember) => {
  const asked = member.unit.query('count', { id: 'x' }, { latest: true })
  return (await world.settled(asked)).result as number
}
const isTwice = (counts: readonly number[]) => new Set(counts).size < counts.length

describe('a key that collides', () => {
  test('gets a home that all units know; its commands collide no more', async () => {
    const members = await world.startReady(4)
    const before = await world.work(members, 1000)
    expect(collisionsOf(members)).toBeGreaterThan(10)
    const homes = new Set(members.map(homeAsOf))
    expect([...homes]).toEqual([expect.stringMatching(/^unit-\d$/)])
    const collisions = collisionsOf(members)
    const { counts, errors } = await world.work(members, 3000)
    const perCommit = (collisionsOf(members) - collisions) / counts.length
    expect(counts.length).toBeGreaterThan(1000)
    expect(perCommit).toBeLessThan(0.1)
    expect([...errors, ...before.errors]).toEqual([])
    const all = [...before.counts, ...counts]
    expect(isTwice(all)).toBe(false)
    expect(await countOf(members[0]!)).toBe(all.length)
  })

  test('cools down when nobody wants it, or one unit only', async () => {
    const members = await world.startReady(4)
    await world.work(members, 1000)
    expect(members.map((it) => affinityOf(it).hotKeys)).toEqual([1, 1, 1, 1])
    await world.work(members.slice(0, 1), 15_000, { clients: 1 })
    expect(members.map((it) => affinityOf(it).hotKeys)).toEqual([0, 0, 0, 0])
    const passed = passedBy(members)
    await world.work(members.slice(0, 1), 500)
    expect(passedBy(members)).toBe(passed)
    await world.clock.advance(20_000)
    expect(affinityOf(members[0]!).keys).toEqual([])
  })

  test('rejections come back exactly, and what was answered is seen where it was asked', async () => {
    const members = await world.startReady(3)
    await world.work(members, 1000)
    const other = members.find((member) => member !== homeOf(members))!
    for (let turn = 0; turn < 20; turn++) {
      const answered = other.unit.execute('add', { id: 'x' })
      const seen = answered.then(({ position }) => other.unit.position >= position)
      expect(await world.settled(seen)).toBe(true)
    }
    const { result } = await world.settled(other.unit.execute('add', { id: 'x' }))
    await expect(world.settled(other.unit.execute('refuse', { id: 'x' }))).rejects.toMatchObject({
      name: 'Rejection',
      reason: 'refused',
      details: result,
    })
    await expect(world.settled(other.unit.execute('add', { id: 7 }))).rejects.toMatchObject({
      code: 'invalid_input',
      details: { errors: [{ path: 'id' }] },
    })
    expect(passedBy([other])).toBeGreaterThan(2)
  })

  test('an idempotency key is one command, wherever it is asked', async () => {
    const members = await world.startReady(3)
    await world.work(members, 1000)
    const asked = members.map(({ unit }) =>
      unit.execute('add', { id: 'x' }, { idempotencyKey: 'k' }),
    )
    const answers = await world.settled(Promise.all(asked))
    expect(new Set(answers.map(({ version }) => version)).size).toBe(1)
    expect(answers.filter(({ replayed }) => !replayed).length).toBeLessThanOrEqual(1)
  })

  test('a message that comes twice is one command', async () => {
    const members = await world.startReady(4)
    world.network.faults.doubling = 0.5
    const { counts, errors } = await world.work(members, 3000)
    expect(errors).toEqual([])
    expect(passedBy(members)).toBeGreaterThan(100)
    expect(await countOf(members[0]!)).toBe(counts.length)
  })
})

test('what was passed on is done where it comes to, though that is not the home', async () => {
  const members = await world.startReady(3)
  await world.work(members, 1000)
  const home = homeOf(members)
  const messaging = world.network.connect(new Host('somebody', world.clock))
  const ids = new Map<string, number>()
  const listening = messaging.subscribe(subjects.presence('hot'), ({ data }) => {
    const told = decodePresence(data)
    if (told) ids.set(told.name, told.id)
  })
  await world.until(() => ids.size === members.length)
  await listening.stop()
  const other = members.find((member) => member !== home)!
  const before = passedBy([other])
  const asked = encodeRequest({ kind: 'command', partition: 0, name: 'add', input: { id: 'x' } })
  const subject = subjects.unit('hot', ids.get(other.unit.name)!)
  const { data } = await world.settled(messaging.request(subject, asked, { timeoutMs: 5000 }))
  expect(decodeAnswer(data)).toMatchObject({ kind: 'answer', answer: { replayed: false } })
  expect(passedBy([other])).toBe(before)
})

describe('a home', () => {
  test('that crashes is replaced; nothing is lost or done twice', async () => {
    const members = await world.startReady(4)
    const told = await world.work(members, 1000, { keyed: true })
    const home = homeOf(members)
    const others = members.filter((member) => member !== home)
    world.clock.after(300, () => home.host.crash())
    await world.work(others, 6000, { keyed: true, told })
    expect(told.errors).toEqual([])
    expect(homeOf(others).unit.name).not.toBe(home.unit.name)
    expect(isTwice(told.counts)).toBe(false)
    expect(await countOf(others[0]!)).toBe(told.counts.length)
    const collisions = collisionsOf(others)
    const { counts } = await world.work(others, 1000)
    expect((collisionsOf(others) - collisions) / counts.length).toBeLessThan(0.1)
  })

  test('that freezes is replaced; without a key the outcome is unknown, and never twice', async () => {
    const members = await world.startReady(4)
    const told = await world.work(members, 1000)
    const home = homeOf(members)
    const others = members.filter((member) => member !== home)
    world.clock.after(300, () => home.host.pause())
    world.clock.after(5000, () => home.host.resume())
    await world.work(others, 8000, { told })
    for (const error of told.errors) expect(error).toMatchObject({ code: 'outcome_unknown' })
    expect(told.errors.length).toBeLessThanOrEqual(3 * 4)
    expect(isTwice(told.counts)).toBe(false)
    const count = await countOf(others[0]!)
    expect(count).toBeGreaterThanOrEqual(told.counts.length)
    expect(count).toBeLessThanOrEqual(told.counts.length + told.errors.length)
  })

  test('that may do it yet: what another one refuses meanwhile has no outcome', async () => {
    const members = await world.startReady(3)
    await world.work(members, 1000)
    const home = homeOf(members)
    const other = members.find((member) => member !== home)!
    home.host.pause()
    const asked = other.unit.execute('refuse', { id: 'x' }, { idempotencyKey: 'r' })
    await expect(world.settled(asked)).rejects.toMatchObject({ code: 'outcome_unknown' })
  })

  test('that stops gracefully answers what it has begun; who joins is known', async () => {
    const members = await world.startReady(3)
    const told = await world.work(members, 1000)
    const home = homeOf(members)
    const others = members.filter((member) => member !== home)
    world.clock.after(300, () => void home.unit.stop())
    world.clock.after(600, () => others.push(world.start()))
    await world.work([...others], 4000, { told })
    expect(told.errors).toEqual([])
    expect(await countOf(others[0]!)).toBe(told.counts.length)
    expect(affinityOf(others[2]!).hotKeys).toBe(1)
    await world.settled(others[2]!.unit.execute('add', { id: 'x' }))
    expect(new Set(others.map(homeAsOf)).size).toBe(1)
  })

  test('is nobody else’s where units do not hear each other: that costs collisions only', async () => {
    const members = await world.startReady(2)
    await world.work(members, 1000)
    world.network.faults.loss = 1
    await world.clock.advance(3000)
    const { counts, errors } = await world.work(members, 1000)
    expect(errors).toEqual([])
    expect(counts.length).toBeGreaterThan(50)
    world.network.faults.loss = 0
  })
})

test('a unit that is alone passes nothing on, and commands without an affinity go nowhere', async () => {
  const [member] = (await world.startReady(1)) as [AffinityMember]
  await world.work([member], 1000)
  expect(affinityOf(member)).toEqual({
    ...{ hotKeys: 0, keys: [], passed: { answered: 0, elsewhere: 0, unknown: 0 } },
  })
  const members = [member, ...(await world.startReady(1))]
  const { counts } = await world.work(members, 2000, { command: 'addAnywhere' })
  expect(collisionsOf(members)).toBeGreaterThan(counts.length / 10)
  expect(passedBy(members)).toBe(0)
})
