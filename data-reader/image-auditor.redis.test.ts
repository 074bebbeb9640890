import { idempotencyCacheNumber } from '@spacegrid/grid/core/shape'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { RedisImage } from '@spacegrid/grid/drivers/redis/redis-image'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { AuditChannel } from '@spacegrid/grid/engine/agreement/audit-channel'
import type { AuditMessage } from '@spacegrid/grid/engine/agreement/audit-message'
import { fingerprintOf } from '@spacegrid/grid/engine/agreement/fingerprint'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import { decodeEntry, encodeEntry } from '@spacegrid/grid/engine/wire/entry-codec'
import { encodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStore } from '@spacegrid/grid/kit/simulated-store'
import { withRedis } from '@spacegrid/proof/support/tampering'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { afterAll, afterEach, beforeEach, expect, inject, test } from 'vitest'
import { DataReader } from './data-reader.ts'

const clock = new SystemClock()
const position = 9
const count = 3000

const redisUrl = inject('redisUrl')
const image = new RedisImage(redisUrl, clock)
afterAll(() => image.close())

/** A reader that looks at its image all the time, beside a store that holds the same. */
class Bench {
  readonly space = uniqueName('audited')
  readonly log = new SimulatedLog(clock)
  readonly store = new SimulatedStore()
  readonly reports: string[] = []
  readonly heard: AuditMessage[] = []
  readonly channel: AuditChannel
  readonly reader: DataReader

  constructor() {
    const { log, store, space } = this
    const messaging = new InProcessMessaging(clock)
    const random = new SeededRandom(1)
    this.channel = new AuditChannel(space, { log, messaging }, (message) =>
      this.heard.push(message),
    )
    const changes = new SimulatedLog(clock)
    this.reader = new DataReader(
      space,
      { log, changes, store, image, messaging, clock, random },
      { auditIntervalMs: 20, report: ({ message }) => this.reports.push(message) },
    )
  }

  async start(): Promise<void> {
    await this.fill(this.store)
    await this.fill(image)
    await this.channel.identify()
    this.channel.start()
    this.reader.start()
    await waitFor(() => this.sampled() >= count, { what: 'the image to be told whole' })
    expect(this.reports).toEqual([])
  }

  async fill(store: Store): Promise<void> {
    const state = new SpaceState()
    for (let at = 1; at <= count; at++)
      state.write(idempotencyCacheNumber, `key ${at}`, { at }, at, position)
    state.position = position
    const { identity } = await this.log.bounds()
    const checkpoint = {
      position,
      logIdentity: identity,
      digest: state.digest.toString(),
      entries: count,
      replicated: encodeHeader(state.header()),
    }
    const cache = state.layout.cache(idempotencyCacheNumber).name
    const entries = [...state.cache(idempotencyCacheNumber).entries.values()]
    const changes = entries.map(({ key, value, version, position }) => ({
      ...{ cache, key, value, version, position },
    }))
    await store.apply(this.space, 0, checkpoint, changes)
  }

  /** Entries of the image that the replicas were told. */
  sampled(): number {
    return this.heard.reduce(
      (sum, message) =>
        message.kind === 'sample' && message.from.role === 'image'
          ? sum + message.marks.length
          : sum,
      0,
    )
  }

  /** Until the reader has gone on for long enough to have heard of everything said before. */
  async turnOfTheReader(): Promise<void> {
    const before = this.sampled()
    await waitFor(() => this.sampled() >= before + count, { what: 'the image to be told' })
  }

  get hash(): string {
    const state = new SpaceState()
    return `spacegrid:${this.space}:${state.layout.cache(idempotencyCacheNumber).name}`
  }

  async expectCleared(reason: RegExp): Promise<void> {
    const isCleared = async () => (await image.checkpoint(this.space)) === undefined
    await waitFor(isCleared, { what: 'the image to be cleared' })
    await waitFor(() => this.reports.length > 0, { what: 'a report' })
    expect(this.reports[0]).toMatch(reason)
    expect(this.reader.status().audit?.diverged).toBe(1)
    // What is built in its place is left alone.
    await this.fill(image)
    await this.turnOfTheReader()
    expect(await image.checkpoint(this.space)).toMatchObject({ position })
    expect(this.reports).toHaveLength(1)
  }
}

let bench: Bench
beforeEach(async () => {
  bench = new Bench()
  await bench.start()
})
afterEach(async () => {
  await bench.reader.stop()
  await bench.channel.stop()
  await image.clear(bench.space)
})

// architecture.md, invariant 9
test('an image that has lost an entry is cleared', async () => {
  expect(await withRedis(redisUrl, (redis) => redis.hdel(bench.hash, 'key 7'))).toBe(1)
  await bench.expectCleared(/at position 9 its digest is \w+, its entries count to \w+/)
})

test('so is one that has lost a whole cache, as when Redis evicts', async () => {
  expect(await withRedis(redisUrl, (redis) => redis.del(bench.hash))).toBe(1)
  await bench.expectCleared(/its entries count to 0{16}/)
})

test('so is one with an entry of another version', async () => {
  await withRedis(redisUrl, async (redis) => {
    const cache = bench.hash.split(':').at(-1) ?? ''
    const other = await redis.hgetBuffer(bench.hash, 'key 8')
    const entry = decodeEntry(cache, 'key 8', other as Buffer)
    await redis.hset(bench.hash, 'key 7', encodeEntry({ ...entry, key: 'key 7' }))
  })
  await bench.expectCleared(/its entries count to/)
})

test.each(['garbage', '\x05', ''])('so is one with an entry that is none: %j', async (bytes) => {
  await withRedis(redisUrl, (redis) => redis.hset(bench.hash, 'key 7', bytes))
  await bench.expectCleared(/The entry "key 7" of .* cannot be read/)
})

test('so is one whose value is neither that of a replica nor that of the store', async () => {
  const cache = bench.hash.split(':').at(-1) ?? ''
  const stored = await bench.store.get(bench.space, cache, 'key 7')
  const checkpoint = await bench.store.checkpoint(bench.space)
  if (!stored || !checkpoint) throw new Error('the store is empty')
  const entry = { cache, key: 'key 7', position }
  const tell = (value: object) =>
    bench.channel.send({
      kind: 'entry',
      from: { id: 5, name: 'unit', role: 'unit' },
      entry,
      print: fingerprintOf(stored.version, { ...value }),
    })
  const other = { at: 99 }
  // A replica that is alone against store and image.
  tell(other)
  await bench.turnOfTheReader()
  // The same version with another value: the digest does not show it.
  await image.apply(bench.space, position, checkpoint, [{ ...stored, value: other }])
  await bench.turnOfTheReader()
  expect(bench.reports).toEqual([])
  tell(stored.value)
  await bench.expectCleared(/its entry "key 7" of \w+ has another value/)
})

test('a store that is alone against a replica and the image is no reason to clear that', async () => {
  const cache = bench.hash.split(':').at(-1) ?? ''
  const stored = await bench.store.get(bench.space, cache, 'key 7')
  const checkpoint = await bench.store.checkpoint(bench.space)
  if (!stored || !checkpoint) throw new Error('the store is empty')
  const changed = { ...stored, value: { at: 99 } }
  await bench.store.apply(bench.space, position, checkpoint, [changed])
  bench.channel.send({
    kind: 'entry',
    from: { id: 5, name: 'unit', role: 'unit' },
    entry: { cache, key: 'key 7', position },
    print: fingerprintOf(stored.version, stored.value),
  })
  await bench.turnOfTheReader()
  expect(await image.checkpoint(bench.space)).toMatchObject({ position })
  expect(bench.reports).toEqual([])
})
