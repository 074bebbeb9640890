import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { EntryKey, Quarantine, Store } from '../engine/ports/store.ts'
import { checkpointAt, put, rehydrate, remove } from './store-conformance.ts'

export interface QuarantineConformanceSubject {
  /** Takes at most three entries in quarantine. */
  readonly store: Store & { readonly quarantine: Quarantine }
  /** Another connection to the same data, where there is such a thing. */
  readonly other: Store & { readonly quarantine: Quarantine }
  /** From now on just these keys of the cache `seats` are refused. */
  refuse(space: string, keys: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** What every store that has a quarantine must do. */
export function describeQuarantineConformance(
  name: string,
  create: () => Promise<QuarantineConformanceSubject>,
): void {
  describe(`${name} keeps entries that it refuses in quarantine`, () => {
    let subject: QuarantineConformanceSubject
    let store: QuarantineConformanceSubject['store']
    let space: string
    beforeAll(async () => {
      subject = await create()
      store = subject.store
    })
    afterAll(() => subject.close())
    beforeEach(async () => {
      space = `s${randomUUID().replaceAll('-', '')}`
      await store.apply(space, 0, checkpointAt(1), [put('a', { at: 1 }, 1), put('b', { at: 1 }, 1)])
    })
    afterEach(() => subject.refuse(space, []))
    const quarantined = async (from = store) =>
      (await from.quarantine.list(space)).map(({ key }) => key).sort()
    /** Whatever is in quarantine, a copy of the store is the space at its checkpoint. */
    const contents = async () =>
      Object.fromEntries(
        [...(await rehydrate(store, space, [])).entries.values()].map((entry) => {
          return [entry.key, [entry.value.at, entry.position]]
        }),
      )

    // architecture.md, invariant 6
    test('with its later versions, while everything else is stored', async () => {
      await subject.refuse(space, ['a', 'new'])
      expect((await store.checkpoint(space))?.quarantine).toBeUndefined()
      await store.apply(space, 1, checkpointAt(3), [
        put('a', { at: 2 }, 2),
        put('b', { at: 2 }, 2),
        put('new', { at: 3 }, 3),
      ])
      await store.apply(space, 3, checkpointAt(5), [put('b', { at: 4 }, 4), put('a', { at: 5 }, 5)])
      const checkpoint = await subject.other.checkpoint(space)
      expect(checkpoint).toMatchObject({ position: 5, quarantine: { count: 2 } })
      expect([...(checkpoint?.quarantine?.names ?? [])].sort()).toEqual(['seats/a', 'seats/new'])
      const [a, fresh] = await subject.other.quarantine.list(space)
      expect(a).toMatchObject({ cache: 'seats', key: 'a', firstPosition: 2, position: 5 })
      expect(a).toMatchObject({ versions: 2, version: put('a', {}, 5).version })
      expect(fresh).toMatchObject({ key: 'new', firstPosition: 3, position: 3, versions: 1 })
      expect(a?.reason).not.toBe('')
    })

    // architecture.md, invariant 8
    test('and gives them to whoever rehydrates or asks', async () => {
      await subject.refuse(space, ['a', 'new'])
      await store.apply(space, 1, checkpointAt(3), [
        put('a', { at: 2 }, 2),
        put('new', { at: 3 }, 3),
      ])
      expect(await contents()).toEqual({ a: [2, 2], b: [1, 1], new: [3, 3] })
      expect(await subject.other.get(space, 'seats', 'a')).toMatchObject({ value: { at: 2 } })
      expect(await store.get(space, 'seats', 'new')).toMatchObject({ position: 3 })
      // Each once: whoever counts them must not count the older document too.
      const scan = await store.scan(space)
      const keys: string[] = []
      for await (const chunk of scan?.chunks() ?? []) keys.push(...chunk.map(({ key }) => key))
      await scan?.close()
      expect(keys.sort()).toEqual(['a', 'b', 'new'])
    })

    test('whichever writer put them there', async () => {
      await store.apply(space, 1, checkpointAt(2), [put('b', { at: 2 }, 2)])
      await subject.refuse(space, ['a'])
      await subject.other.apply(space, 2, checkpointAt(3), [put('a', { at: 3 }, 3)])
      await subject.refuse(space, [])
      await store.apply(space, 3, checkpointAt(4), [put('a', { at: 4 }, 4)])
      expect(await quarantined(subject.other)).toEqual([])
      expect(await contents()).toEqual({ a: [4, 4], b: [2, 2] })
    })

    test('until a later version is taken, or the entry is deleted', async () => {
      await subject.refuse(space, ['a', 'b', 'new'])
      await store.apply(space, 1, checkpointAt(2), [
        put('a', { at: 2 }, 2),
        put('b', { at: 2 }, 2),
        put('new', { at: 2 }, 2),
      ])
      const { revision } = (await store.checkpoint(space))?.quarantine ?? {}
      await subject.refuse(space, ['b', 'new'])
      await store.apply(space, 2, checkpointAt(4), [
        put('a', { at: 3 }, 3),
        put('b', { at: 3 }, 3),
        remove('new', 4),
      ])
      expect(await quarantined(subject.other)).toEqual(['b'])
      expect((await store.checkpoint(space))?.quarantine?.revision).not.toBe(revision)
      expect(await contents()).toEqual({ a: [3, 3], b: [3, 3] })
      await store.apply(space, 4, checkpointAt(5), [remove('b', 5)])
      expect((await store.checkpoint(space))?.quarantine).toBeUndefined()
      expect(await contents()).toEqual({ a: [3, 3] })
    })

    test('or until they are replayed: all, or some', async () => {
      await subject.refuse(space, ['a', 'b', 'new'])
      await store.apply(space, 1, checkpointAt(2), [
        put('a', { at: 2 }, 2),
        put('b', { at: 2 }, 2),
        put('new', { at: 2 }, 2),
      ])
      await subject.refuse(space, ['b'])
      const keyed = (key: string): EntryKey => ({ cache: 'seats', key })
      expect(
        await subject.other.quarantine.replay(space, [keyed('new'), keyed('never')]),
      ).toMatchObject({ released: [keyed('new')], refused: [] })
      const { released, refused } = await subject.other.quarantine.replay(space)
      expect(released).toEqual([keyed('a')])
      expect(refused).toMatchObject([{ key: 'b', versions: 1, position: 2 }])
      expect(await store.checkpoint(space)).toMatchObject({
        position: 2,
        quarantine: { count: 1, names: ['seats/b'] },
      })
      expect(await contents()).toEqual({ a: [2, 2], b: [2, 2], new: [2, 2] })
      // Who has not heard of the replay goes on all the same.
      await store.apply(space, 2, checkpointAt(3), [put('a', { at: 3 }, 3), put('b', { at: 3 }, 3)])
      expect(await contents()).toEqual({ a: [3, 3], b: [3, 3], new: [2, 2] })
      expect(await quarantined()).toEqual(['b'])
    })

    // architecture.md, invariant 10
    test('of which there may be so many and no more', async () => {
      await subject.refuse(space, ['a', 'b', 'c', 'd'])
      const step = ['a', 'b', 'c', 'd'].map((key) => put(key, { at: 2 }, 2))
      await expect(store.apply(space, 1, checkpointAt(2), step)).rejects.toMatchObject({
        code: 'quarantine_full',
      })
      expect(await store.checkpoint(space)).toMatchObject({ position: 1 })
      expect(await contents()).toEqual({ a: [1, 1], b: [1, 1] })
      await store.apply(space, 1, checkpointAt(2), step.slice(0, 3))
      const last = step.slice(3)
      await expect(store.apply(space, 2, checkpointAt(3), last)).rejects.toMatchObject({
        code: 'quarantine_full',
      })
      // Those that are in already, and all that is not refused, still go through.
      await store.apply(space, 2, checkpointAt(3), [
        put('a', { at: 3 }, 3),
        put('fine', { at: 3 }, 3),
      ])
      expect(await quarantined()).toEqual(['a', 'b', 'c'])
      await subject.refuse(space, [])
      await store.quarantine.replay(space)
      await store.apply(space, 3, checkpointAt(4), last)
      expect(await quarantined()).toEqual([])
    })

    test('and forgets them with the space', async () => {
      await subject.refuse(space, ['a'])
      await store.apply(space, 1, checkpointAt(2), [put('a', { at: 2 }, 2)])
      await store.clear(space)
      expect(await quarantined()).toEqual([])
      await store.apply(space, 0, checkpointAt(1), [put('c', { at: 1 }, 1)])
      expect(await contents()).toEqual({ c: [1, 1] })
    })
  })
}
