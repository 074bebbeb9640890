import { describe, expect, test } from 'vitest'
import { describeArchiveConformance } from './archive-conformance.ts'
import { describeQuarantineConformance } from './quarantine-conformance.ts'
import { SimulatedStore } from './simulated-store.ts'
import { checkpointAt, describeStoreConformance, put, remove } from './store-conformance.ts'

for (const scan of ['exact', 'fuzzy'] as const)
  describeStoreConformance(`SimulatedStore with ${scan} scans`, async () => {
    const store = new SimulatedStore({ scan })
    return { store, other: store, close: () => store.close() }
  })

describeQuarantineConformance('SimulatedStore', async () => {
  const store = new SimulatedStore({ quarantinedMax: 3 })
  return {
    store,
    other: store,
    refuse: async (_space, keys) => {
      for (const key of ['a', 'b', 'c', 'd', 'new'])
        if (keys.includes(key)) store.refuse('seats', key)
        else store.accept('seats', key)
    },
    close: () => store.close(),
  }
})

describe('a simulated store', () => {
  test('a fuzzy scan reads each chunk when it is asked for, and says where it ended', async () => {
    const store = new SimulatedStore({ scan: 'fuzzy', chunkEntries: 1 })
    await store.apply('space', 0, checkpointAt(2), [put('a', {}, 1), put('b', {}, 2)])
    const scan = await store.scan('space')
    const chunks = scan!.chunks()[Symbol.asyncIterator]()
    expect((await chunks.next()).value).toMatchObject([{ key: 'a' }])
    await store.apply('space', 2, checkpointAt(4), [remove('b', 3), put('c', {}, 4)])
    expect((await chunks.next()).value).toMatchObject([{ key: 'c' }])
    expect([scan!.start.position, (await scan!.end()).position]).toEqual([2, 4])
  })

  test('can be out of reach, or apply without saying so', async () => {
    const store = new SimulatedStore()
    store.fault = 'unavailable'
    const apply = () => store.apply('space', 0, checkpointAt(1), [])
    await expect(apply()).rejects.toMatchObject({ code: 'store_unavailable' })
    store.fault = 'unanswered'
    await expect(apply()).rejects.toMatchObject({ code: 'store_unavailable' })
    store.fault = 'none'
    expect((await store.checkpoint('space'))?.position).toBe(1)
  })
})

describeArchiveConformance('SimulatedStore', async () => {
  const store = new SimulatedStore()
  return { store, close: () => store.close() }
})
