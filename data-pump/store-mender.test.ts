import { SpaceState } from '@spacegrid/grid/core/space-state'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import type { MendWish } from '@spacegrid/grid/engine/agreement/audit-message'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { SnapshotService } from '@spacegrid/grid/engine/replica/snapshot-service'
import { ReplicaSnapshot } from '@spacegrid/grid/engine/replica/snapshot-source'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { expect, test } from 'vitest'
import { Differences } from './differences.ts'
import { StoreMender } from './store-mender.ts'

const everywhere: MendWish = { entries: [], caches: [], everywhere: true }
const numbers = Array.from({ length: 50 }, (_, number) => number)

/** With entries of these numbers; some of them with a value of their own. */
function stateOf(of: readonly number[], odd: readonly number[] = []): SpaceState {
  const state = new SpaceState()
  const items = { name: 'items', key: 'id', indexes: [], expiry: undefined }
  state.reshape({ caches: [...state.layout.shape.caches, items] })
  const cache = state.layout.named('items')?.number ?? 0
  for (const n of of) {
    const value = { id: `k${n}`, odd: odd.includes(n) }
    state.restore(cache, value.id, value, 1000 + n, n + 1)
  }
  state.adopt({ ...state.header(), position: 100 })
  return state
}

async function mender(replica: SpaceState, store: SpaceState, seenMax?: number) {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  const open = () => new ReplicaSnapshot({ state: store, listen: () => () => undefined })
  const service = new SnapshotService(messaging, clock, new SeededRandom(1), open, {
    ...{ logName: 'test', subject: subjects.snapshotForMending('test'), sessionsMax: 1 },
  })
  await service.start()
  const made = new StoreMender(
    'test',
    { messaging, clock },
    { state: replica },
    () => undefined,
    seenMax,
  )
  return { clock, made }
}

const keysOf = (changes: readonly { readonly key: string }[]) =>
  changes.map(({ key }) => key).sort()

test.each([undefined, 7])(
  'finds what is missing, changed and too much, %s entries at a time',
  async (seenMax) => {
    const replica = stateOf(numbers)
    const store = stateOf([...numbers.filter((n) => n % 10 !== 3), 77], [5, 6])
    const { clock, made } = await mender(replica, store, seenMax)
    made.wanted(everywhere, () => undefined)
    await clock.advance(60_000)
    const changes = made.take(1000)
    expect(keysOf(changes)).toEqual(['k13', 'k23', 'k3', 'k33', 'k43', 'k5', 'k6', 'k77'])
    expect(changes.filter(({ value }) => value === undefined)).toMatchObject([{ key: 'k77' }])
  },
)

test('what is stored under the name of no cache is not the space’s', async () => {
  const { made } = await mender(stateOf(numbers), stateOf([]))
  const entries = [
    ['reports', 'k1'],
    ['items', 'k1'],
    ['items', 'none'],
  ] as const
  made.wanted({ entries, caches: ['reports'], everywhere: false }, () => undefined)
  expect(made.take(10)).toMatchObject([
    { cache: 'items', key: 'k1', position: 2 },
    { cache: 'items', key: 'none', value: undefined },
  ])
})

test('a comparison that fails is told, and the next one is made', async () => {
  const clock = new SimulatedClock()
  const told: string[] = []
  const request = async () => {
    throw new RangeError('Set maximum size exceeded')
  }
  const messaging = { request } as unknown as Messaging
  const made = new StoreMender('test', { messaging, clock }, { state: stateOf([]) }, ({ level }) =>
    told.push(level),
  )
  for (let count = 1; count <= 2; count++) {
    made.wanted(everywhere, () => undefined)
    await clock.advance(60_000)
    expect(told).toEqual(Array(count).fill('error'))
  }
})

test('more differences than are named are a cache as a whole', () => {
  const differences = new Differences(2)
  for (const key of ['a', 'b']) differences.add({ cache: 'items', key })
  expect([...differences.whole]).toEqual([])
  for (const key of ['c', 'd']) differences.add({ cache: 'items', key })
  expect([...differences.whole]).toEqual(['items'])
  expect(keysOf([...differences.names()])).toEqual(['a', 'b'])
})
