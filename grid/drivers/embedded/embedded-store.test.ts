import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeArchiveConformance } from '../../kit/archive-conformance.ts'
import {
  checkpointAt,
  describeStoreConformance,
  put,
  rehydrate,
} from '../../kit/store-conformance.ts'
import { SystemClock } from '../system/system-clock.ts'
import { EmbeddedEnvironment } from './embedded-environment.ts'
import { EmbeddedStore } from './embedded-store.ts'

const clock = new SystemClock()
const temporary = () => mkdtemp(join(tmpdir(), 'spacegrid-store-'))

/** FUZZ_RUNS: how many lists of values, for a long run. */
const runs = Number(process.env.FUZZ_RUNS ?? 30)

describeStoreConformance(
  'EmbeddedStore',
  async () => {
    const directory = await temporary()
    const environment = new EmbeddedEnvironment(directory)
    const store = new EmbeddedStore(environment, 'store', clock)
    return {
      store,
      other: store,
      close: async () => {
        await store.close()
        await environment.close()
        await rm(directory, { recursive: true })
      },
    }
  },
  runs,
)

describeArchiveConformance('EmbeddedStore', async () => {
  const directory = await temporary()
  const environment = new EmbeddedEnvironment(directory)
  const store = new EmbeddedStore(environment, 'store', clock)
  return {
    store,
    close: async () => {
      await store.close()
      await environment.close()
      await rm(directory, { recursive: true })
    },
  }
})

describe('an embedded store', () => {
  let directory: string
  let environment: EmbeddedEnvironment
  let store: EmbeddedStore
  beforeEach(async () => {
    directory = await temporary()
    environment = new EmbeddedEnvironment(directory)
    store = new EmbeddedStore(environment, 'store', clock)
  })
  afterEach(async () => {
    await store.close()
    await environment.close()
    await rm(directory, { recursive: true })
  })

  test('holds the same when it is opened again', async () => {
    await store.apply('space', 0, checkpointAt(2), [put('a', { is: 1 }, 1), put('b', {}, 2)])
    await store.close()
    store = new EmbeddedStore(environment, 'store', clock)
    expect(await store.checkpoint('space')).toEqual(checkpointAt(2))
    expect((await rehydrate(store, 'space', [])).entries.size).toBe(2)
    await store.apply('space', 2, checkpointAt(3), [])
  })

  test('a scan keeps its snapshot while spaces come and the file grows', async () => {
    const filler = 'x'.repeat(1000)
    const changes = Array.from({ length: 3000 }, (_, at) => put(`${at}`, { at, filler }, at + 1))
    await store.apply('space', 0, checkpointAt(3000), changes)
    let position = 3000
    const { entries } = await rehydrate(store, 'space', [], async () => {
      const next = changes.map(({ key }, at) => put(key, { at: -1, filler }, position + at + 1))
      await store.apply('space', position, checkpointAt(position + 3000), next)
      await store.apply(`another${position}`, 0, checkpointAt(1), [put('a', {}, 1)])
      position += 3000
    })
    expect(entries.size).toBe(3000)
    expect([...entries.values()].every(({ value }) => Number(value.at) >= 0)).toBe(true)
  })

  test('many changes are applied at once', async () => {
    const changes = Array.from({ length: 20_000 }, (_, at) =>
      put(`key ${at}`, { at, status: 'free', price: at / 100 }, at + 1),
    )
    await store.apply('space', 0, checkpointAt(changes.length), changes)
    expect((await rehydrate(store, 'space', [])).entries.size).toBe(changes.length)
  })

  test('closing ends a scan instead of crashing it', async () => {
    const changes = Array.from({ length: 3000 }, (_, at) => put(`${at}`, { at }, at + 1))
    await store.apply('space', 0, checkpointAt(3000), changes)
    await expect(rehydrate(store, 'space', [], () => store.close())).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    await expect(store.checkpoint('space')).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})
