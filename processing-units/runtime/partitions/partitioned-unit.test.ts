import { positionsOf } from '@spacegrid/grid/core/position'
import { SimulatedMemory } from '@spacegrid/grid/kit/simulated-memory'
import { fateOf } from '@spacegrid/grid/kit/unit-world'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { partitionOfInput } from './partition-of.ts'
import { add, divided } from './test-support/divided-counters.ts'
import { PartitionedWorld, type WorldMember } from './test-support/partitioned-world.ts'

let world: PartitionedWorld

beforeEach(() => {
  const made = new PartitionedWorld(divided)
  world = made
  onTestFinished(() => made.stop())
})

const partitionOf = (id: string) => partitionOfInput(divided, add, { id })
const keptBy = ({ unit }: WorldMember) => [...unit.kept.keys()]
const homeOf = (members: readonly WorldMember[], id: string) => {
  const home = members[0]!.unit.placement().homes[partitionOf(id)]
  return members.find(({ unit }) => unit.name === home)!
}
/** An id whose partition this unit does not keep. */
const foreignTo = (member: WorldMember) => ids.find((id) => !member.unit.kept.has(partitionOf(id)))!
const ids = Array.from({ length: 64 }, (_, at) => `counter-${at}`)
const passedBy = ({ unit }: WorldMember) => unit.placement().passed!

describe('the age of what is read', () => {
  const caller = { name: undefined, origin: { door: 'nats', address: '', credential: '' } } as const

  test('grows on its way by as long as whoever has asked was frozen', async () => {
    const members = await world.startSettled(4)
    const front = members[0]!
    const id = foreignTo(front)
    await world.settled(front.unit.execute('add', { id }))
    const ask = (options: object) => fateOf(front.unit.query('count', { id }, options))
    const fresh = ask({ caller })
    await world.until(() => fresh.value !== undefined)
    expect(fresh.value).not.toHaveProperty('ageMs')
    const [plain, unasked, bounded] = [ask({ caller }), ask({}), ask({ caller, stalenessMs: 2000 })]
    await world.clock.advance(0)
    front.host.pause()
    await world.clock.advance(5000)
    expect([plain, unasked, bounded]).toEqual([{}, {}, {}])
    front.host.resume()
    await world.until(() => [plain, unasked, bounded].every(({ value, error }) => value ?? error))
    expect(plain.value?.ageMs).toBeGreaterThanOrEqual(5000)
    expect(unasked.value).not.toHaveProperty('ageMs')
    // It was asked for once more.
    expect(bounded.value?.ageMs).toBeLessThanOrEqual(2000)
  })

  test('of what is made of all partitions is that of the oldest', async () => {
    const members = await world.startSettled(2)
    const { unit, logs } = members[0]!
    await world.clock.advance(3000)
    const read = (options: object) => world.settled(unit.query('total', {}, options))
    expect(await read({ caller })).not.toHaveProperty('ageMs')
    logs.get(3)!.bounds = () => new Promise(() => undefined)
    await world.clock.advance(4000)
    expect((await read({ caller })).ageMs).toBeGreaterThanOrEqual(4000)
    const refused = fateOf(unit.query('total', {}, { caller, stalenessMs: 1000 }))
    await world.until(() => refused.error !== undefined)
    expect(refused.error).toMatchObject({ code: 'too_stale' })
  })
})

test('a query of all partitions that changes its input is a fault: the others see it too', async () => {
  const { unit } = (await world.startSettled(1))[0]!
  const fault = expect.objectContaining({ code: 'application_fault' })
  const refused = fateOf(unit.query('changing', { by: 1 }, {}))
  await world.until(() => refused.error !== undefined)
  expect(refused.error).toEqual(fault)
})

test('a merge whose promise is not kept is a fault, after a bounded time', async () => {
  const { unit } = (await world.startSettled(2))[0]!
  const batch = [{ query: 'never' }, { query: 'total' }]
  const fates = [fateOf(unit.query('never', {}, {})), fateOf(unit.queries(batch, {}))] as const
  await world.until(() => fates.every(({ value, error }) => value ?? error))
  const fault = expect.objectContaining({ code: 'application_fault' })
  expect(fates[0].error).toEqual(fault)
  expect(fates[1].value?.answers).toEqual([{ error: fault }, { result: { total: 0 } }])
})

test('a correction that is none is refused before anybody is asked', async () => {
  const { unit } = (await world.startSettled(1))[0]!
  for (const odd of [
    null,
    [],
    'text',
    {},
    { cache: 'counters', key: 'a', version: 1, value: null },
  ])
    await expect(unit.correct(odd as never)).rejects.toMatchObject({ code: 'invalid_input' })
})

describe('several queries together', () => {
  test('read each partition at one position, wherever it is kept', async () => {
    const members = await world.startSettled(4)
    const { unit } = members[0]!
    await world.settled(Promise.all(ids.map((id) => unit.execute('add', { id }))))
    const some = ids.slice(0, 28)
    const batch = [
      ...some.map((id) => ({ query: 'count', input: { id } })),
      { query: 'total' },
      { query: 'count' },
      { query: 'none' },
      { query: 'total', input: {} },
    ]
    const { answers, position } = await world.settled(unit.queries(batch))
    expect(answers.slice(0, 28)).toEqual(some.map(() => ({ result: { count: 1 } })))
    expect(answers.slice(28)).toMatchObject([
      { result: { total: 64 } },
      { error: { code: 'invalid_input' } },
      { error: { code: 'unknown_query' } },
      { result: { total: 64 } },
    ])
    expect(positionsOf(position)?.size).toBe(8)
    // While others write: the same entry, asked several times, and all of them.
    const adding = ids.map((id) => fateOf(unit.execute('add', { id })))
    const same = Array.from({ length: 16 }, () => ({ query: 'count', input: { id: ids[5] } }))
    const all = [...same, { query: 'total' }, { query: 'total' }]
    const read = await world.settled(unit.queries(all, { latest: true }))
    expect(new Set(read.answers.slice(0, 16).map((it) => JSON.stringify(it))).size).toBe(1)
    await world.until(() => adding.every(({ value }) => value))
    const nothing = world.settled(unit.queries([{ query: 'none' }]))
    expect((await nothing).answers).toMatchObject([{ error: { code: 'unknown_query' } }])
  })

  test('are explained by those who have answered', async () => {
    const members = await world.startSettled(4)
    const { unit } = members[0]!
    const id = foreignTo(members[0]!)
    await world.settled(unit.execute('add', { id }))
    const { explanation } = await world.settled(unit.query('count', { id }, { explain: true }))
    expect(explanation).toMatchObject([{ partition: partitionOf(id), reads: [{ kind: 'get' }] }])
    expect(explanation?.[0]?.unit).not.toBe(unit.name)
    const all = await world.settled(unit.query('total', {}, { explain: true }))
    expect(all.explanation?.map(({ partition }) => partition)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    const [told] = (await world.settled(unit.queries([{ query: 'total' }], { explain: true })))
      .answers
    expect(told?.explanation).toHaveLength(8)
  })
})

describe('placement', () => {
  test('one unit keeps everything; two keep everything twice; four share it', async () => {
    const members = await world.startSettled(1)
    expect(keptBy(members[0]!)).toHaveLength(8)
    members.push(world.start())
    await world.settle(members)
    expect(members.map((it) => keptBy(it).length)).toEqual([8, 8])
    members.push(world.start(), world.start())
    await world.settle(members)
    expect(members.map((it) => keptBy(it).length)).toEqual([4, 4, 4, 4])
    expect([...members[0]!.unit.parts.keys()]).toEqual(
      keptBy(members[0]!)
        .sort()
        .map((partition) => `divided.${partition}`),
    )
  })

  test('while they come and go every partition is answered for', async () => {
    const members = await world.startSettled(3)
    const first = members[0]!
    await world.settled(Promise.all(ids.map((id) => first.unit.execute('add', { id }))))
    members.push(world.start())
    const asked = ids.map((id) => fateOf(first.unit.execute('add', { id })))
    await world.settle(members)
    expect(asked.filter(({ error }) => error)).toEqual([])
    await world.settled(members.splice(1, 1)[0]!.unit.stop())
    const again = ids.map((id) => fateOf(first.unit.execute('add', { id })))
    await world.settle(members)
    expect(again.map(({ value }) => value?.result)).toEqual(ids.map(() => ({ count: 3 })))
  })

  test('a zone keeps one copy of each', async () => {
    const zones = ['a', 'a', 'b']
    const members = zones.map((zone) => world.start({ zone }))
    await world.settle(members)
    expect(keptBy(members[2]!)).toHaveLength(8)
    expect(members[0]!.unit.placement().members.map(({ zone }) => zone)).toEqual(zones)
  })

  test('a unit whose memory is full takes nothing more, and says so', async () => {
    const memory = new SimulatedMemory()
    const members = [world.start({}, memory), world.start()]
    await world.settle(members)
    memory.share = 0.7
    await world.clock.advance(200)
    expect(members[1]!.unit.placement().members[0]).toMatchObject({ name: 'unit-0', full: true })
    expect(members[1]!.unit.placement().missing).toBe(0)
    const third = world.start()
    members[1]!.host.crash()
    await world.settle([members[0]!, third])
    expect(keptBy(third)).toHaveLength(8)
  })
})

describe('routing', () => {
  test('any unit takes any command; it is done at home, and the answer names its partition', async () => {
    const members = await world.startSettled(4)
    for (const [at, id] of ids.entries()) {
      const { unit } = members[at % 4]!
      const answer = await world.settled(unit.execute('add', { id }))
      expect(answer).toMatchObject({ result: { count: 1 }, replayed: false })
      expect([...positionsOf(answer.position)!.keys()]).toEqual([partitionOf(id)])
    }
    const origins = members.map((member) => passedBy(member))
    expect(origins.reduce((sum, { answered }) => sum + answered, 0)).toBeGreaterThan(20)
    // At home its own frames chain: nobody collides.
    const hot = Array.from({ length: 40 }, (_, at) =>
      members[at % 4]!.unit.execute('add', { id: 'hot' }),
    )
    const counts = (await world.settled(Promise.all(hot))).map(({ result }) => result)
    expect(counts).toContainEqual({ count: 40 })
    for (const { unit } of members)
      for (const part of unit.parts.values()) expect(part.status().collisions).toBe(0)
  })

  test('a rejection, invalid input and what is unknown come back as they are', async () => {
    const members = await world.startSettled(4)
    const [member] = members as [WorldMember]
    const id = foreignTo(member)
    await world.settled(member.unit.execute('draw', { id, ticket: 't' }))
    await expect(
      world.settled(member.unit.execute('draw', { id, ticket: 't' })),
    ).rejects.toMatchObject({
      name: 'Rejection',
      reason: 'drawn_before',
      details: { ticket: 't', of: [id] },
    })
    await expect(
      world.settled(member.unit.execute('draw', { id, ticket: 5 })),
    ).rejects.toMatchObject({ code: 'invalid_input', details: { errors: [{ path: 'ticket' }] } })
    await expect(world.settled(member.unit.execute('draw', {}))).rejects.toMatchObject({
      code: 'invalid_input',
      details: { errors: [expect.anything(), expect.anything()] },
    })
    await expect(world.settled(member.unit.execute('none', { id }))).rejects.toMatchObject({
      code: 'unknown_command',
    })
  })

  test('an idempotency key travels, and the acknowledgement level', async () => {
    const members = await world.startSettled(3)
    const id = foreignTo(members[0]!)
    const options = { idempotencyKey: 'k', acknowledge: 'accepted' as const }
    const first = await world.settled(members[0]!.unit.execute('add', { id }, options))
    expect(first).toMatchObject({ result: { count: 1 }, acknowledged: 'accepted' })
    for (const { unit } of members) {
      const again = await world.settled(unit.execute('add', { id }, options))
      expect(again).toMatchObject({ result: { count: 1 }, replayed: true })
    }
  })

  test('who passes its position reads its own writes on any unit', async () => {
    const members = await world.startSettled(4)
    // Whoever is not home hears of what is done later than the caller does.
    for (const [at, { logs, unit }] of members.entries())
      for (const [partition, { connection }] of logs)
        if (unit.placement().homes[partition] !== unit.name) connection.lateMs = () => 50 + 10 * at
    for (const id of ids.slice(0, 16)) {
      const { position } = await world.settled(members[0]!.unit.execute('add', { id }))
      for (const { unit } of members) {
        const read = await world.settled(unit.query('count', { id }, { position }))
        expect(read.result).toEqual({ count: 1 })
        expect(positionsOf(read.position)?.size).toBe(1)
      }
    }
    const wrong = members[0]!.unit.query('count', { id: 'a' }, { position: 7 })
    await expect(world.settled(wrong)).rejects.toMatchObject({ code: 'invalid_header' })
  })

  test('an entry is found by its key, by what its key is an id of, or by asking all', async () => {
    const members = await world.startSettled(4)
    const { unit } = members[0]!
    const id = foreignTo(members[0]!)
    await world.settled(unit.execute('add', { id }))
    await world.settled(unit.execute('draw', { id, ticket: 'plain' }))
    const counter = await world.settled(unit.entry('counters', id))
    expect(counter.value).toEqual({ id, count: 1 })
    expect(positionsOf(counter.writtenAt)?.size).toBe(1)
    const ticket = await world.settled(unit.entry('tickets', 'plain'))
    expect(ticket.value).toEqual({ ticket: 'plain', counter: id })
    await expect(world.settled(unit.entry('tickets', 'none'))).rejects.toMatchObject({
      code: 'not_found',
    })
    await expect(world.settled(unit.entry('none', 'none'))).rejects.toMatchObject({
      code: 'unknown_cache',
    })
  })

  test('a scattered query is one answer of all, with the position of each', async () => {
    const members = await world.startSettled(4)
    const { unit } = members[0]!
    await world.settled(Promise.all(ids.map((id) => unit.execute('add', { id }))))
    const answer = await world.settled(members[3]!.unit.query('total', {}, { latest: true }))
    expect(answer.result).toEqual({ total: 64 })
    expect(positionsOf(answer.position)?.size).toBe(8)
  })
})

describe('when the log of a partition is away', () => {
  test('reads are answered from what is kept, commands get the error that says so', async () => {
    const members = await world.startSettled(3)
    const [first] = members as [WorldMember]
    const id = foreignTo(first)
    await world.settled(first.unit.execute('add', { id }))
    for (const member of members) member.logs.get(partitionOf(id))?.cut()
    await world.until(() => !first.unit.readiness().ready)
    const read = await world.settled(first.unit.query('count', { id }))
    expect(read.result).toEqual({ count: 1 })
    await expect(world.settled(first.unit.execute('add', { id }))).rejects.toMatchObject({
      code: expect.stringMatching(/^(log_unavailable|outcome_unknown)$/),
    })
    for (const member of members) member.logs.get(partitionOf(id))?.heal()
    await world.settle(members)
    const again = await world.settled(first.unit.execute('add', { id }))
    // What nobody knew of may have been stored all the same.
    expect([{ count: 2 }, { count: 3 }]).toContainEqual(again.result)
  })
})

describe('units that go', () => {
  test('one that is killed is asked no more; its commands are answered by the next home', async () => {
    const members = await world.startSettled(4)
    const id = ids.find((it) => homeOf(members, it) !== members[0])!
    const home = homeOf(members, id)
    await world.settled(members[0]!.unit.execute('add', { id }))
    home.host.crash()
    const options = { idempotencyKey: 'after' }
    const begun = world.clock.monotonic()
    const answer = await world.settled(members[0]!.unit.execute('add', { id }, options))
    expect(answer.result).toEqual({ count: 2 })
    // partitions.md, section 6
    expect(world.clock.monotonic() - begun).toBeLessThan(3000)
    const read = await world.settled(members[0]!.unit.query('count', { id }))
    expect(read.result).toEqual({ count: 2 })
    await world.settle(members.filter((member) => member !== home))
  })

  test('whoever dies with requests is waited for no longer than messaging needs to notice', async () => {
    // As a server does that sees its connection end; presence needs two seconds.
    world.network.faults.noticeMsMax = 20
    const members = await world.startSettled(4)
    const [front] = members as [WorldMember]
    const home = members[1]!
    const its = ids.filter((id) => homeOf(members, id) === home)
    const keyed = its.map((id) =>
      fateOf(front.unit.execute('add', { id }, { idempotencyKey: `of-${id}` })),
    )
    const read = fateOf(front.unit.query('total', {}))
    const unkeyed = fateOf(front.unit.execute('add', { id: its[0]! }))
    home.host.crash()
    const begun = world.clock.monotonic()
    await world.until(() => [...keyed, read, unkeyed].every(({ value, error }) => value ?? error))
    expect(world.clock.monotonic() - begun).toBeLessThanOrEqual(400)
    expect(keyed.map(({ error }) => error)).toEqual(its.map(() => undefined))
    expect(read.error).toBeUndefined()
    expect(unkeyed.error).toMatchObject({ code: 'outcome_unknown' })
  })

  test('who takes long and is there is waited for', async () => {
    const members = await world.startSettled(3)
    const [front] = members as [WorldMember]
    const id = foreignTo(front)
    for (const { logs } of members)
      for (const { connection } of logs.values()) connection.lateMs = () => 1800
    const answer = fateOf(front.unit.execute('add', { id }))
    await world.until(() => answer.value !== undefined || answer.error !== undefined)
    expect(answer.value?.result).toEqual({ count: 1 })
  })

  test('without a key the caller is told that nobody knows', async () => {
    const members = await world.startSettled(4)
    const id = ids.find((it) => homeOf(members, it) !== members[0])!
    homeOf(members, id).host.pause()
    await expect(world.settled(members[0]!.unit.execute('add', { id }))).rejects.toMatchObject({
      code: 'outcome_unknown',
    })
    expect(passedBy(members[0]!).unknown).toBe(1)
  })

  test('one that was frozen is simply back, and has done nothing twice', async () => {
    const members = await world.startSettled(4)
    const id = ids.find((it) => homeOf(members, it) !== members[0])!
    const home = homeOf(members, id)
    home.host.pause()
    const options = { idempotencyKey: 'once' }
    const answer = await world.settled(members[0]!.unit.execute('add', { id }, options))
    expect(answer.result).toEqual({ count: 1 })
    await world.clock.advance(10_000)
    home.host.resume()
    await world.settle(members)
    const read = await world.settled(home.unit.query('count', { id }, { latest: true }))
    expect(read.result).toEqual({ count: 1 })
  })

  test('when nobody keeps a partition the caller is told which, and of a scattered query too', async () => {
    const members = await world.startSettled(4, { copies: 1 })
    const [first, second] = members as [WorldMember, WorldMember]
    const lost = keptBy(second)
    const id = ids.find((it) => lost.includes(partitionOf(it)))!
    second.host.crash()
    const asked = [first.unit.query('total', {}), first.unit.query('count', { id })]
    const [total, count] = await world.settled(
      Promise.all(asked.map((it) => it.catch((error) => error as object))),
    )
    expect(total).toMatchObject({
      code: 'partitions_unavailable',
      details: { partitions: lost.sort() },
      retryable: true,
    })
    expect(count).toMatchObject({ details: { partitions: [partitionOf(id)] } })
    await world.until(() => !first.unit.readiness().ready)
    await world.settle(members.filter((member) => member !== second))
    expect(first.unit.readiness().ready).toBe(true)
  })

  test('one that stops answers first what others have passed on to it', async () => {
    const members = await world.startSettled(3)
    const id = ids.find((it) => homeOf(members, it) !== members[0])!
    const home = homeOf(members, id)
    // It hears late what becomes of its command.
    for (const { connection } of home.logs.values()) connection.lateMs = () => 1000
    const answer = fateOf(members[0]!.unit.execute('add', { id }))
    await world.clock.advance(20)
    const stopped = fateOf(home.unit.stop().then(() => true))
    await world.until(() => stopped.value === true)
    expect(answer).toMatchObject({ value: { result: { count: 1 } } })
  })

  test('one that stops is relieved first, even of what only it keeps', async () => {
    const members = await world.startSettled(3, { copies: 1 })
    const [first, second, third] = members as [WorldMember, WorldMember, WorldMember]
    await world.settled(Promise.all(ids.map((id) => first.unit.execute('add', { id }))))
    const stopping = fateOf(second.unit.stop().then(() => true))
    const failed: unknown[] = []
    while (!stopping.value) {
      for (const id of ids.slice(0, 8))
        first.unit.execute('add', { id }).catch((error) => failed.push(error))
      await world.clock.advance(50)
    }
    await world.clock.advance(100)
    expect(failed).toEqual([])
    await world.settle([first, third])
    const { result } = await world.settled(third.unit.query('total', {}))
    expect(result).toEqual({ total: 64 })
  })

  test('one that is cut off says that it is not ready, and gives nothing up', async () => {
    const members = await world.startSettled(4)
    const [first] = members as [WorldMember]
    const kept = keptBy(first)
    world.network.cut(first.host)
    await world.clock.advance(5000)
    expect(first.unit.readiness()).toMatchObject({ ready: false })
    expect(keptBy(first)).toEqual(kept)
    world.network.heal(first.host)
    await world.settle(members)
  })
})
