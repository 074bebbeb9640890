import { serveSpace } from '@spacegrid/grid/doors/nats/space-services'
import type { Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { SimulatedMemory } from '@spacegrid/grid/kit/simulated-memory'
import { fateOf } from '@spacegrid/grid/kit/unit-world'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { PartitionServices } from '../partitions/partition-services.ts'
import { divided } from '../partitions/test-support/divided-counters.ts'
import { PartitionedWorld, type WorldMember } from '../partitions/test-support/partitioned-world.ts'

const { partitions = 1 } = divided
const all = Array.from({ length: partitions }, (_, at) => at)
const ids = Array.from({ length: 24 }, (_, at) => `counter-${at}`)
const log = { error: () => undefined }

let world: PartitionedWorld
let services: Subscription[]

beforeEach(() => {
  const made = new PartitionedWorld(divided)
  const opened: Subscription[] = []
  world = made
  services = opened
  onTestFinished(async () => {
    await made.settled(Promise.all(opened.map((service) => service.stop())))
    await made.stop()
  })
})

/** What a process that takes commands serves over messaging. */
async function serve({ messaging, unit }: WorldMember): Promise<void> {
  services.push(await serveSpace(messaging, unit, { log }))
  services.push(new PartitionServices(messaging, unit, { log, takesCommands: true }))
}

/** Counts what is asked of the copies of these. */
function countQueries(members: readonly WorldMember[]): { count: number } {
  const counted = { count: 0 }
  for (const { unit } of members)
    for (const copy of unit.kept.values()) {
      const query = copy.query.bind(copy)
      copy.query = (...asked) => {
        counted.count++
        return query(...asked)
      }
    }
  return counted
}

function countAppends({ logs }: WorldMember): { count: number } {
  const counted = { count: 0 }
  for (const log of logs.values()) log.appending = () => counted.count++
  return counted
}

const isWhole = ({ unit }: WorldMember) =>
  unit.placement().queryUnits?.scarce.length === 0 && unit.placement().queryUnits?.moving === 0
const areReady = (members: readonly WorldMember[]) =>
  members.every(({ unit }) => unit.readiness().ready)
const keptBy = (members: readonly WorldMember[]) =>
  new Set(members.flatMap(({ unit }) => [...unit.kept.keys()]))

/** Two units that take commands, and two that do not, which share `copies` of each partition. */
async function mixed(copies = 1) {
  const taking = await world.startSettled(2, { copies: 1 })
  for (const member of taking) await serve(member)
  const reading = [1, 2].map(() => world.startQueryUnit({ copies }))
  await world.until(() => reading.every(isWhole) && areReady(reading))
  const [front, other] = reading as [WorldMember, WorldMember]
  return { taking, reading, front, other }
}

const add = (member: WorldMember, id: string) => world.settled(member.unit.execute('add', { id }))
const read = (member: WorldMember, id: string, options = {}) =>
  world.settled(member.unit.query('count', { id }, options))

test('query units share the partitions apart from those that take commands', async () => {
  const { taking, reading, front } = await mixed()
  for (const members of [taking, reading]) {
    expect(keptBy(members)).toEqual(new Set(all))
    for (const { unit } of members) expect(unit.kept.size).toBe(partitions / 2)
  }
  const placement = front.unit.placement()
  expect(placement.members.map(({ name }) => name)).toEqual(['unit-0', 'unit-1'])
  expect(placement.queryUnits?.members.map(({ name }) => name)).toEqual(['unit-2', 'unit-3'])
  for (const home of placement.homes) expect(['unit-0', 'unit-1']).toContain(home)
  expect(taking[0]!.unit.placement()).toMatchObject({ homes: placement.homes, scarce: [] })
})

test('reads are answered by query units alone, commands by the others, and read at once', async () => {
  const { taking, reading, front, other } = await mixed()
  const appends = reading.map(countAppends)
  for (const id of ids) {
    const { position } = await add(front, id)
    expect(await read(other, id, { position })).toMatchObject({ result: { count: 1 } })
  }
  const asked = countQueries(taking)
  for (const id of ids) expect(await read(front, id)).toMatchObject({ result: { count: 1 } })
  expect(await world.settled(front.unit.query('total', {}))).toMatchObject({
    result: { total: ids.length },
  })
  expect(asked.count).toBe(0)
  expect((await read(front, ids[0]!, { latest: true })).result).toEqual({ count: 1 })
  expect(asked.count).toBe(0)
  // Of what a unit that takes commands does not keep it asks query units.
  const [first] = taking as [WorldMember]
  await world.settled(first.unit.query('total', {}))
  expect(asked.count).toBe(first.unit.kept.size)
  await world.settled(reading[0]!.unit.stop())
  expect(appends).toEqual([{ count: 0 }, { count: 0 }])
})

test('without units that take commands queries go on, without query units everything does', async () => {
  const { taking, reading, front } = await mixed()
  await add(front, ids[0]!)
  await world.until(() => front.unit.readiness().ready)
  for (const { host } of taking) host.crash()
  await world.clock.advance(5000)
  expect(areReady(reading)).toBe(true)
  expect(await world.settled(front.unit.query('total', {}))).toMatchObject({ result: { total: 1 } })
  const refused = fateOf(front.unit.execute('add', { id: ids[0] }))
  await world.until(() => refused.error !== undefined)
  expect(refused.error).toMatchObject({ code: 'not_ready' })

  const back = [1, 2].map(() => world.start({ copies: 1 }))
  await world.until(() => areReady(back))
  await add(back[0]!, ids[0]!)
  for (const { host } of reading) host.crash()
  await world.clock.advance(3000)
  expect(areReady(back)).toBe(true)
  expect(back[0]!.unit.placement().queryUnits).toBeUndefined()
  await add(back[0]!, ids[1]!)
  expect((await read(back[0]!, ids[0]!)).result).toEqual({ count: 2 })
})

test('a query unit that is left alone takes over, and meanwhile others are asked for what it lacks', async () => {
  const { front, other } = await mixed()
  await add(front, ids[0]!)
  other.host.crash()
  await world.until(() => front.unit.kept.size < partitions && !isWhole(front))
  expect(front.unit.readiness().ready).toBe(true)
  expect((await world.settled(front.unit.query('total', {}))).result).toEqual({ total: 1 })
  await world.until(() => front.unit.kept.size === partitions)
})

test('a unit that takes commands gives nothing up because query units have it', async () => {
  const { taking, reading } = await mixed()
  const [first, second] = taking as [WorldMember, WorldMember]
  await world.settled(first.unit.stop(), 30_000)
  expect(keptBy([second])).toEqual(new Set(all))
  expect(second.unit.placement().homes.every((home) => home === second.unit.name)).toBe(true)
  await add(reading[0]!, ids[0]!)
})

test('one without room is ready all the same, and what it lacks is asked of the others', async () => {
  const taking = await world.startSettled(1, { copies: 1 })
  await serve(taking[0]!)
  await add(taking[0]!, ids[0]!)
  const memory = new SimulatedMemory()
  memory.share = 0.7
  const reading = world.startQueryUnit({ copies: 1 }, memory)
  await world.until(() => reading.unit.readiness().ready)
  expect(reading.unit.kept.size).toBe(0)
  expect(reading.unit.placement().queryUnits?.missing).toBe(partitions)
  expect((await world.settled(reading.unit.query('total', {}))).result).toEqual({ total: 1 })
  memory.share = 0.95
  expect(reading.unit.readiness().ready).toBe(false)
})
