import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import {
  guardVault,
  type Person,
  showing,
} from '@spacegrid/grid/doors/request/access/test-support/guarded-vault'
import { RequestPipeline } from '@spacegrid/grid/doors/request/request-pipeline'
import { expect, onTestFinished, test } from 'vitest'
import { LiveDoors, StreamClient } from './live/test-support/live-door.ts'
import { PartitionedWorld } from './partitions/test-support/partitioned-world.ts'

/** An entry is for its owner, and a director sees all. */
const letters = defineCache('letters', {
  schema: Type.Object({ id: Type.String(), owner: Type.String(), text: Type.String() }),
  key: 'id',
  partitionBy: 'id',
  indexes: { byOwner: ['owner'] },
  readable: ['id', 'text'],
  access: 'identified',
  visible: ({ owner }, caller) => {
    if (owner === 'nobody') throw new Error('a rule that fails')
    return owner === caller?.name || caller?.roles.includes('director') === true
  },
})

const write = defineCommand('write', {
  input: Type.Object({ id: Type.String(), owner: Type.String(), text: Type.String() }),
  partitionBy: 'id',
  handler: (tx, letter) => tx.put(letters, letter),
})

const mine = defineQuery('mine', {
  input: Type.Object({}),
  access: 'public',
  perCaller: true,
  handler: (read, _input, { caller, sees }) => ({
    by: caller?.name ?? null,
    ids: read
      .range(letters, 'byOwner')
      .filter((letter) => sees(letters, letter))
      .map(({ id }) => id),
  }),
  everyPartition: {
    merge: (parts) => ({ by: parts[0]?.by ?? null, ids: parts.flatMap(({ ids }) => ids).sort() }),
  },
})

/** It looks at who asks, and does not say so. */
const careless = defineQuery('careless', {
  input: Type.Object({}),
  access: 'public',
  handler: (_read, _input, { caller }) => caller?.name ?? null,
})

const post = (partitions: number) =>
  defineSpace('post', {
    caches: [letters],
    commands: [write],
    queries: partitions > 1 ? [mine] : [mine, careless as unknown as typeof mine],
    partitions,
    readableEvents: false,
    access: { past: 'identified' },
  })

const people: readonly (Person | undefined)[] = [
  'curator',
  'other',
  'director',
  'visitor',
  undefined,
]
const headersOf = (person: Person | undefined) => (person ? showing(person) : {})

async function open() {
  const space = post(1)
  const { access } = guardVault(undefined, undefined, [space])
  const door = await new LiveDoors(space).open('one', { pipeline: new RequestPipeline({ access }) })
  for (const [id, owner] of [
    ['c', 'carla'],
    ['o', 'otto'],
    ['n', 'nobody'],
  ] as const)
    await door.unit.execute('write', { id, owner, text: `secret of ${owner}` })
  const ask = async (path: string, person: Person | undefined, init: RequestInit = {}) => {
    const headers = { ...headersOf(person), 'content-type': 'application/json' }
    const answer = await fetch(`${door.url}/post${path}`, { ...init, headers })
    return { status: answer.status, text: await answer.text() }
  }
  return { ...door, ask }
}

test('an entry that is not for a caller is not there for it', async () => {
  const { ask } = await open()
  const seen = async (person: Person | undefined) =>
    await Promise.all(
      ['c', 'o', 'n'].map(async (id) => (await ask(`/caches/letters/${id}`, person)).status),
    )
  expect(await Promise.all(people.map(seen))).toEqual([
    [200, 404, 404],
    [404, 200, 404],
    [200, 200, 404],
    [404, 404, 404],
    [401, 401, 401],
  ])
  const [hidden, missing] = [
    await ask('/caches/letters/o', 'curator'),
    await ask('/caches/letters/x', 'curator'),
  ]
  expect(hidden.text.replace('"o\\"', '"x\\"')).toBe(missing.text)
  const history = await ask('/caches/letters/o/history', 'curator')
  expect(history.text).not.toContain('secret')
  expect((await ask('/caches/letters/c/history', 'curator')).text).toContain('secret of carla')
})

test('a query answers each caller for itself, alone and among others', async () => {
  const { ask } = await open()
  const expected = [
    { by: 'carla', ids: ['c'] },
    { by: 'otto', ids: ['o'] },
    { by: 'dora', ids: ['c', 'o'] },
    { by: 'victor', ids: [] },
    { by: null, ids: [] },
  ]
  for (const [at, person] of people.entries()) {
    expect(JSON.parse((await ask('/queries/mine', person)).text).result).toEqual(expected[at])
    // Nobody says who asks but who asks.
    const forged = { $caller: { name: 'dora', kind: 'key', roles: ['director'], claims: {} } }
    for (const [path, body] of [
      ['/queries/mine', forged],
      ['/queries', [{ query: 'mine', input: forged }]],
      ['/queries', [{ query: 'mine' }]],
    ] as const) {
      const { text } = await ask(path, person, { method: 'POST', body: JSON.stringify(body) })
      const { result, answers } = JSON.parse(text)
      expect(result ?? answers[0].result).toEqual(expected[at])
    }
    const { text } = await ask('/queries/mine?$caller=x', person)
    expect(text).not.toContain(person === 'director' ? 'nothing' : '"c","o"')
  }
  expect((await ask('/queries/careless', 'curator')).status).toBe(500)
})

test('live queries and changes of different callers have nothing to do with each other', async () => {
  const { unit, url } = await open()
  const follow = (path: string, person: Person) =>
    StreamClient.open(`${url}/post${path}`, {
      ...showing(person),
      accept: 'text/event-stream',
    })
  const readers = await Promise.all(
    (['curator', 'other', 'director', 'visitor'] as const).map(async (person) => ({
      person,
      answers: await follow('/queries/mine', person),
      changes: await follow('/events?events=&cache=letters', person),
    })),
  )
  onTestFinished(() => {
    for (const { answers, changes } of readers) {
      answers.leave()
      changes.leave()
    }
  })
  await unit.execute('write', { id: 'c2', owner: 'carla', text: 'secret of carla' })
  await unit.execute('write', { id: 'o2', owner: 'otto', text: 'secret of otto' })
  const told = (events: readonly unknown[]) => JSON.stringify(events)
  const [carla, otto, dora, victor] = readers as unknown as readonly [
    Reader,
    Reader,
    Reader,
    Reader,
  ]
  for (const { answers, changes } of [carla, dora])
    for (const stream of [answers, changes])
      await expect.poll(() => told(stream.events)).toContain('c2')
  for (const { answers, changes } of [otto, dora])
    for (const stream of [answers, changes])
      await expect.poll(() => told(stream.events)).toContain('o2')
  for (const { answers, changes } of [carla, victor])
    for (const { events } of [answers, changes]) expect(told(events)).not.toMatch(/otto|"o2?"/)
  for (const { answers, changes } of [otto, victor])
    for (const { events } of [answers, changes]) expect(told(events)).not.toMatch(/carla|"c2?"/)
})

type Reader = { readonly answers: StreamClient; readonly changes: StreamClient }

test('whoever asks is known in every partition', async () => {
  const world = new PartitionedWorld(post(4))
  onTestFinished(() => world.stop())
  const [first] = await world.startSettled(3)
  const unit = first?.unit as NonNullable<typeof first>['unit']
  for (let n = 0; n < 12; n++) {
    const letter = { id: `${n}`, owner: n % 2 ? 'carla' : 'otto', text: '' }
    await world.settled(unit.execute('write', letter))
  }
  const $caller = { name: 'carla', kind: 'key', roles: [], claims: {} }
  const { result } = await world.settled(unit.query('mine', { $caller }, { latest: true }))
  expect(result).toEqual({ by: 'carla', ids: ['1', '11', '3', '5', '7', '9'] })
})
