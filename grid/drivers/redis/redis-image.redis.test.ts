import { startRedis } from '@spacegrid/proof/support/test-servers'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { StoredChange } from '../../engine/ports/store.ts'
import {
  checkpointAt,
  describeStoreConformance,
  put,
  rehydrate,
} from '../../kit/store-conformance.ts'
import { SystemClock } from '../system/system-clock.ts'
import { RedisImage } from './redis-image.ts'

const clock = new SystemClock()
const connect = (url = inject('redisUrl')) => new RedisImage(url, clock)

/** FUZZ_RUNS: how many lists of values, for a long run. */
const runs = Number(process.env.FUZZ_RUNS ?? 30)

describeStoreConformance(
  'RedisImage',
  async () => {
    const store = connect()
    const other = connect()
    return {
      store,
      other,
      close: async () => {
        await store.close()
        await other.close()
      },
    }
  },
  runs,
)

describe('a warm image', () => {
  let image: RedisImage
  let redis: Redis
  let space: string
  const newSpace = () => {
    space = uniqueName('s')
    return space
  }
  const key = (name: string) => `spacegrid:${space}:${name}`
  const keysOf = async () => (await redis.keys(key('*'))).sort()
  const all = (count: number, from: number, of = 'x'): StoredChange[] =>
    Array.from({ length: count }, (_, at) => put(`seat ${at}`, { at, of }, from + at + 1))

  beforeAll(() => {
    image = connect()
    redis = new Redis(inject('redisUrl'))
  })
  afterAll(async () => {
    await image.close()
    await redis.quit()
  })

  // interfaces.md, "Stored data"
  test('is stored as documented', async () => {
    await image.apply(newSpace(), 0, checkpointAt(3), [put('A-1', { status: 'free' }, 3)])
    expect(await redis.get(key('position'))).toBe('3')
    expect(await redis.hkeys(key('seats'))).toEqual(['A-1'])
    expect(await keysOf()).toEqual([key('checkpoint'), key('position'), key('seats')])
    expect(await redis.ttl(key('seats'))).toBe(-1)
  })

  test('caches may be called like the keys beside them', async () => {
    const names = ['position', 'checkpoint', 'building', 'cache']
    for (const [from, to] of [
      [0, 1],
      [1, 2],
    ] as const) {
      const changes = names.map((name) => put('a', { name, to }, to, name))
      await image.apply(from === 0 ? newSpace() : space, from, checkpointAt(to), changes)
      for (const name of names)
        expect((await image.get(space, name, 'a'))?.value).toEqual({ name, to })
    }
    expect((await rehydrate(image, space, [])).entries.size).toBe(4)
  })

  test('takes 100,000 entries at once, new and changed', async () => {
    await image.apply(newSpace(), 0, checkpointAt(100_000), all(100_000, 0))
    await image.apply(space, 100_000, checkpointAt(200_000), all(100_000, 100_000))
    const { entries } = await rehydrate(image, space, [])
    expect(entries.size).toBe(100_000)
    expect([...entries.values()].every(({ position }) => position > 100_000)).toBe(true)
  })

  test('once it is lost a writer is stale, and can begin from nothing', async () => {
    await image.apply(newSpace(), 0, checkpointAt(2), [put('a', {}, 1), put('b', {}, 2)])
    for (const lost of [['position'], ['checkpoint'], ['position', 'checkpoint', 'seats']]) {
      const { position } = (await image.checkpoint(space))!
      await redis.del(...lost.map(key))
      await expect(
        image.apply(space, position, checkpointAt(position + 1), []),
      ).rejects.toMatchObject({ code: 'stale_writer' })
      expect(await image.checkpoint(space)).toBeUndefined()
      expect(await image.scan(space)).toBeUndefined()
      await image.apply(space, 0, checkpointAt(9), [put('c', {}, 9)])
      expect([...(await rehydrate(image, space, [])).entries.keys()]).toEqual(['seats/c'])
    }
  })

  test('a scan that outlives its image does not pass for one', async () => {
    await image.apply(newSpace(), 0, checkpointAt(5000), all(5000, 0))
    const rebuild = async (chunk: number) => {
      if (chunk > 0) return
      await image.clear(space)
      await image.apply(space, 0, checkpointAt(6000), all(5000, 1000))
    }
    await expect(rehydrate(image, space, [], rebuild)).rejects.toMatchObject({
      code: 'image_unavailable',
    })
    await expect(rehydrate(image, space, [], () => image.clear(space))).rejects.toMatchObject({
      code: 'image_unavailable',
    })
  })

  test('of two builders from nothing one gets through, whole', async () => {
    const other = connect()
    newSpace()
    const outcomes = await Promise.allSettled([
      image.apply(space, 0, checkpointAt(20_000), all(20_000, 0, 'one')),
      other.apply(space, 0, checkpointAt(20_000), all(20_000, 0, 'two')),
    ])
    const winner = outcomes[0].status === 'fulfilled' ? 'one' : 'two'
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const { entries } = await rehydrate(image, space, [])
    expect(entries.size).toBe(20_000)
    expect(new Set([...entries.values()].map(({ value }) => value.of))).toEqual(new Set([winner]))
    await other.close()
  })

  test('an image that somebody has spoiled is given up, not half changed', async () => {
    await image.apply(newSpace(), 0, checkpointAt(2), [put('a', {}, 1), put('b', {}, 2, 'events')])
    await redis.set(key('events'), 'not a hash')
    const changes = [put('a', {}, 3), put('b', {}, 3, 'events')]
    await expect(image.apply(space, 2, checkpointAt(3), changes)).rejects.toMatchObject({
      code: 'image_unavailable',
      message: expect.stringContaining('WRONGTYPE'),
    })
    expect(await image.checkpoint(space)).toBeUndefined()
    await image.apply(space, 0, checkpointAt(3), changes)
    expect((await rehydrate(image, space, [])).entries.size).toBe(2)
  })

  test('an entry that somebody has spoiled cannot be read, and says so', async () => {
    await image.apply(newSpace(), 0, checkpointAt(2), [put('a', {}, 1), put('b', {}, 2)])
    const unreadable = { code: 'record_damaged', message: expect.stringContaining('"a"') }
    for (const spoiled of ['no entry', '\x05', '\x80', '']) {
      await redis.hset(key('seats'), 'a', spoiled)
      await expect(image.get(space, 'seats', 'a')).rejects.toMatchObject(unreadable)
      await expect(rehydrate(image, space, [])).rejects.toMatchObject(unreadable)
    }
  })

  test('refuses what is not a URL of Redis', () => {
    for (const url of ['', 'localhost:6379', 'http://localhost', '/tmp/redis.sock'])
      expect(() => connect(url)).toThrow(expect.objectContaining({ code: 'configuration_invalid' }))
  })
})

test('Redis that is not there fails at once, and is used again when it is back', async () => {
  await using server = await startRedis()
  await server.kill()
  const image = connect(server.url)
  const unavailable = { code: 'image_unavailable' }
  await expect(image.checkpoint('space')).rejects.toMatchObject(unavailable)
  for (let time = 0; time < 2; time++) {
    await server.restart()
    await waitFor(() => image.clear('space').then(() => true), { what: 'the image' })
    await image.apply('space', 0, checkpointAt(1), [put('a', {}, 1)])
    const large = Array.from({ length: 50_000 }, (_, at) => put(`${at}`, { at }, 2))
    // It may be stored before the kill, unless Redis stands still meanwhile; its outcome is looked
    // at from the first moment on.
    if (time === 1) await server.pause()
    const underWay = image.apply('space', 1, checkpointAt(2), large).then(
      () => 'stored',
      ({ code }) => code,
    )
    await server.kill()
    expect(time === 0 ? ['stored', unavailable.code] : [unavailable.code]).toContain(await underWay)
    const begun = clock.monotonic()
    const attempts = [image.checkpoint('space'), image.clear('space'), image.scan('space')]
    // All at once: one that fails while another is waited for would be nobody's.
    await Promise.all(attempts.map((attempt) => expect(attempt).rejects.toMatchObject(unavailable)))
    expect(clock.monotonic() - begun).toBeLessThan(1500)
  }
  await image.close()
})

test('Redis that says nothing counts as gone after a while', async () => {
  await using server = await startRedis()
  const image = new RedisImage(server.url, clock, { silentMs: 300 })
  await image.apply('space', 0, checkpointAt(1), [])
  await server.pause()
  await expect(image.checkpoint('space')).rejects.toMatchObject({ code: 'image_unavailable' })
  await expect(image.apply('space', 1, checkpointAt(2), [])).rejects.toMatchObject({
    code: 'image_unavailable',
  })
  await server.resume()
  await waitFor(() => image.checkpoint('space'), { what: 'the image' })
  await image.close()
})
