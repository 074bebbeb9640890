import { deepStrictEqual } from 'node:assert'
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dataDepthMax } from '../core/data.ts'
import { logNamesOf } from '../core/log-name.ts'
import type {
  Checkpoint,
  PackedEntries,
  Store,
  StoredChange,
  StoredEntry,
} from '../engine/ports/store.ts'
import { decodeSnapshotChunk, encodeSnapshotChunk } from '../engine/wire/snapshot-codec.ts'

export interface StoreConformanceSubject {
  readonly store: Store
  /**
   * Another connection to the same stored data, where there is such a thing; else the store itself.
   */
  readonly other: Store
  close(): Promise<void>
}

const digest = '0123456789abcdef'

export const checkpointAt = (position: number, rest: Partial<Checkpoint> = {}): Checkpoint => ({
  position,
  logIdentity: 'log@1',
  digest,
  entries: 0,
  replicated: new Uint8Array([1, 2, 255]),
  ...rest,
})

export const put = (
  key: string,
  value: Readonly<Record<string, unknown>>,
  position: number,
  cache = 'seats',
): StoredChange => ({ cache, key, value, version: 2 ** 53 - 1 - position, position })

export const remove = (key: string, position: number, cache = 'seats'): StoredChange => ({
  ...put(key, {}, position, cache),
  value: undefined,
})

/**
 * Entries by cache and key, with the changes above the scan's start applied, as whoever rehydrates
 * does.
 */
export async function rehydrate(
  store: Store,
  space: string,
  changes: readonly StoredChange[],
  duringScan: (chunk: number) => Promise<void> = async () => {},
): Promise<{ entries: Map<string, StoredEntry>; start: number; end: number }> {
  const scan = await store.scan(space)
  if (!scan) throw new Error(`nothing is stored for ${space}`)
  const entries = new Map<string, StoredEntry>()
  let chunks = 0
  for await (const chunk of scan.packedChunks?.() ?? scan.chunks()) {
    for (const entry of unpacked(chunk)) entries.set(`${entry.cache}/${entry.key}`, entry)
    await duringScan(chunks++)
  }
  const end = await scan.end()
  await scan.close()
  if (scan.packedChunks && end.position === scan.start.position)
    await expectUnpacked(store, space, end.position, entries)
  for (const { cache, key, value, version, position } of changes) {
    if (position <= scan.start.position || position > end.position) continue
    if (value === undefined) entries.delete(`${cache}/${key}`)
    else entries.set(`${cache}/${key}`, { cache, key, value, version, position })
  }
  return { entries, start: scan.start.position, end: end.position }
}

/** As whoever rehydrates gets them. */
function unpacked(entries: StoredEntry[] | PackedEntries): readonly StoredEntry[] {
  if (!('parts' in entries)) return entries
  const chunk = { shape: undefined, changes: [], packed: entries, end: undefined }
  const { changes } = decodeSnapshotChunk(encodeSnapshotChunk(chunk))
  expect(changes).toHaveLength(entries.entries)
  return changes as StoredEntry[]
}

/** What comes packed is what comes as it is, if the store is still where it was. */
async function expectUnpacked(
  store: Store,
  space: string,
  position: number,
  expected: ReadonlyMap<string, StoredEntry>,
): Promise<void> {
  const scan = await store.scan(space)
  if (!scan || scan.start.position !== position) return
  const entries = new Map<string, StoredEntry>()
  for await (const chunk of scan.chunks())
    for (const entry of chunk) entries.set(`${entry.cache}/${entry.key}`, entry)
  if ((await scan.end()).position === position) expect(entries).toEqual(expected)
  await scan.close()
}

/** Any well-formed Unicode. The library's own arbitrary for it takes seconds to set up. */
const codePoint = fc
  .oneof(fc.integer({ min: 0, max: 0x17f }), fc.integer({ min: 0, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code))
const anyText = fc.string({ unit: codePoint, maxLength: 10 }).filter((text) => text.isWellFormed())

/** Any of the engine's arrays of numbers, whatever its numbers are. */
const anyNumberArray = fc
  .tuple(
    fc.constantFrom(
      ...[Int8Array, Uint8ClampedArray, Uint16Array, Int16Array, Uint32Array],
      ...[Int32Array, Float32Array, Float64Array],
    ),
    fc.array(fc.double({ noNaN: true }), { maxLength: 6 }),
  )
  .map(([NumberArray, numbers]) => NumberArray.from(numbers))

/** Values that are nested as deeply as any may be. */
const deepest = (): Readonly<Record<string, unknown>> => {
  let value: Record<string, unknown> = { end: [new Date(1), new Float64Array([0.5])] }
  for (let depth = 3; depth < dataDepthMax; depth++) value = { inside: value }
  return value
}

/**
 * Plain data with everything that a format might bend: bytes, large, negative and fractional
 * numbers, and field names of all kinds.
 */
export function arbitraryValue(
  names: readonly string[] = [],
): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  const name = fc.oneof(
    anyText.filter((text) => !text.includes('\0')),
    fc.constantFrom('value', 'position', 'version', 'constructor', '1', '', ...names),
  )
  const scalar = fc.oneof(
    fc.constantFrom(null, true, false, '', Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 31, -(2 ** 31)),
    fc.constantFrom(2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 32, -(2 ** 31) - 1, 0.1, Infinity),
    fc.integer(),
    fc.maxSafeInteger(),
    // MessagePack as written here has no -0.
    fc.double().map((double) => (double === 0 ? 0 : double)),
    anyText,
    fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
    anyNumberArray,
    fc.date({ noInvalidDate: true }),
    fc.constantFrom(new Date(8.64e15), new Date(-8.64e15), new Date(0), new Date(-1)),
  )
  const { record } = fc.letrec<{ record: Record<string, unknown>; any: unknown }>((tie) => ({
    record: fc.dictionary(name, tie('any'), { maxKeys: 4, noNullPrototype: true }),
    any: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      scalar,
      fc.array(tie('any'), { maxLength: 3 }),
      tie('record'),
    ),
  }))
  return record
}

/**
 * What every adapter of the `Store` port must do; each adapter's test calls it. Every test has a
 * space of its own.
 */
export function describeStoreConformance(
  name: string,
  create: () => Promise<StoreConformanceSubject>,
  /** Lists of values that are stored and read again. */
  runs = 30,
): void {
  describe(`${name} keeps the promises of the Store port`, () => {
    let subject: StoreConformanceSubject
    let store: Store
    let space: string
    beforeAll(async () => {
      subject = await create()
      store = subject.store
    })
    afterAll(() => subject.close())
    beforeEach(() => {
      space = `s${randomUUID().replaceAll('-', '')}`
    })

    test('knows nothing about a space that was never stored', async () => {
      expect(await store.checkpoint(space)).toBeUndefined()
      expect(await store.scan(space)).toBeUndefined()
      expect(await store.get(space, 'seats', 'A-1')).toBeUndefined()
      await store.clear(space)
    })

    test('moves from one checkpoint to the next, changes and all', async () => {
      const first = checkpointAt(7, { entries: 2 })
      await store.apply(space, 0, first, [
        put('A-1', { status: 'free' }, 5),
        put('A-2', { status: 'free' }, 7),
        put('A-1', { name: 'same key, other cache' }, 6, 'events'),
      ])
      expect(await store.checkpoint(space)).toEqual(first)
      const next = checkpointAt(9, { digest: 'fedcba9876543210', replicated: new Uint8Array(0) })
      await store.apply(space, 7, next, [
        put('A-1', { status: 'sold' }, 9),
        remove('A-2', 8),
        remove('never was', 8),
      ])
      expect(await subject.other.checkpoint(space)).toEqual(next)
      expect(await subject.other.get(space, 'seats', 'A-1')).toEqual({
        cache: 'seats',
        key: 'A-1',
        value: { status: 'sold' },
        version: 2 ** 53 - 10,
        position: 9,
      })
      expect(await store.get(space, 'seats', 'A-2')).toBeUndefined()
      const { entries, start, end } = await rehydrate(store, space, [])
      expect([...entries.keys()].sort()).toEqual(['events/A-1', 'seats/A-1'])
      expect([start, end]).toEqual([9, 9])
    })

    test('a checkpoint may move without changes', async () => {
      await store.apply(space, 0, checkpointAt(1), [])
      await store.apply(space, 1, checkpointAt(2), [])
      expect((await store.checkpoint(space))?.position).toBe(2)
      expect((await rehydrate(store, space, [])).entries.size).toBe(0)
    })

    // architecture.md, invariant 6
    test('a stale writer changes nothing', async () => {
      await expect(
        store.apply(space, 3, checkpointAt(4), [put('A-1', {}, 4)]),
      ).rejects.toMatchObject({ code: 'stale_writer' })
      expect(await store.checkpoint(space)).toBeUndefined()
      await store.apply(space, 0, checkpointAt(5), [put('A-1', { by: 'first' }, 5)])
      for (const from of [0, 4, 6])
        await expect(
          store.apply(space, from, checkpointAt(7), [put('A-1', { by: 'stale' }, 7)]),
        ).rejects.toMatchObject({ code: 'stale_writer' })
      expect((await store.checkpoint(space))?.position).toBe(5)
      expect((await store.get(space, 'seats', 'A-1'))?.value).toEqual({ by: 'first' })
    })

    // architecture.md, invariant 6
    test('of two writers at the same checkpoint one gets through, whole', async () => {
      for (let from = 0; from < 10; from++) {
        const writers = [store, subject.other, store]
        const outcomes = await Promise.allSettled(
          writers.map((writer, by) =>
            writer.apply(
              space,
              from,
              checkpointAt(from + 1, { digest: `${by}` }),
              ['a', 'b', 'c'].map((key) => put(key, { by }, from + 1)),
            ),
          ),
        )
        const winners = outcomes.flatMap(({ status }, by) => (status === 'fulfilled' ? [by] : []))
        expect(winners).toHaveLength(1)
        for (const outcome of outcomes)
          if (outcome.status === 'rejected') expect(outcome.reason.code).toBe('stale_writer')
        expect((await store.checkpoint(space))?.digest).toBe(`${winners[0]}`)
        const { entries } = await rehydrate(store, space, [])
        expect([...entries.values()].map(({ value }) => value.by)).toEqual(
          Array(3).fill(winners[0]),
        )
      }
    })

    // architecture.md, invariant 8
    test('a scan with the changes beside it is exact, while the space changes', async () => {
      const model = new Map<string, number>()
      const history: StoredChange[] = []
      let position = 0
      const change = async (count: number) => {
        const from = position
        const changes: StoredChange[] = []
        const keys = new Set<string>()
        for (let number = 0; number < count; number++) {
          const key = `key ${(position * 7919) % 3000}`
          if (keys.has(key)) continue
          keys.add(key)
          position++
          const gone = position % 5 === 0
          if (gone) model.delete(key)
          else model.set(key, position)
          changes.push(gone ? remove(key, position) : put(key, { position }, position))
        }
        await subject.other.apply(space, from, checkpointAt(position), changes)
        history.push(...changes)
      }
      await change(4000)
      const { entries, end } = await rehydrate(store, space, history, async () => {
        await change(100)
        await change(100)
      })
      for (const { key, position } of history.filter((change) => change.position > end))
        expect(entries.get(`seats/${key}`)?.position ?? 0).toBeLessThan(position)
      const expected = new Map<string, number>()
      for (const { key, value, position } of history)
        if (position <= end)
          if (value) expected.set(`seats/${key}`, position)
          else expected.delete(`seats/${key}`)
      expect(new Map([...entries].map(([key, entry]) => [key, entry.position]))).toEqual(expected)
      expect((await rehydrate(store, space, [])).entries.size).toBe(model.size)
    })

    test('a scan can be left before its end', async () => {
      const changes = Array.from({ length: 3000 }, (_, at) => put(`key ${at}`, { at }, at + 1))
      await store.apply(space, 0, checkpointAt(3000), changes)
      const scan = await store.scan(space)
      for await (const chunk of scan!.chunks()) {
        expect(chunk.length).toBeGreaterThan(0)
        break
      }
      await scan!.close()
      await store.apply(space, 3000, checkpointAt(3001), [remove('key 1', 3001)])
    })

    test('spaces are apart from each other, and a cleared one starts anew', async () => {
      const neighbour = `${space}2`
      await store.apply(space, 0, checkpointAt(3), [put('a', { of: 1 }, 3), put('b', { of: 1 }, 2)])
      await store.apply(neighbour, 0, checkpointAt(4), [put('a', { of: 2 }, 4)])
      await store.clear(space)
      expect(await store.checkpoint(space)).toBeUndefined()
      expect(await store.get(space, 'seats', 'a')).toBeUndefined()
      expect((await store.get(neighbour, 'seats', 'a'))?.value).toEqual({ of: 2 })
      await store.apply(space, 0, checkpointAt(1), [put('c', { of: 3 }, 1)])
      expect([...(await rehydrate(store, space, [])).entries.keys()]).toEqual(['seats/c'])
    })

    test('partitions of a space are apart from each other', async () => {
      const names = logNamesOf(space, 11)
      const [first, second, last] = [names[0], names[1], names[10]] as [string, string, string]
      const once = (key: string) => put(key, { value: 'once' }, 1, '_idempotency')
      await store.apply(first, 0, checkpointAt(3), [put('a', { of: 0 }, 3), once('same')])
      await store.apply(second, 0, checkpointAt(2), [put('b', { of: 1 }, 2), once('same')])
      await store.apply(last, 0, checkpointAt(1), [put('c', { of: 10 }, 1), once('same')])
      const keysOf = async (name: string) =>
        [...(await rehydrate(subject.other, name, [])).entries.keys()].sort()
      expect(await keysOf(first)).toEqual(['_idempotency/same', 'seats/a'])
      expect(await keysOf(last)).toEqual(['_idempotency/same', 'seats/c'])
      expect(await store.get(first, 'seats', 'b')).toBeUndefined()
      expect((await store.get(last, '_idempotency', 'same'))?.value).toEqual({ value: 'once' })

      await store.apply(first, 3, checkpointAt(4), [remove('b', 4), remove('a', 4), once('new')])
      await store.apply(last, 1, checkpointAt(2), [remove('same', 2, '_idempotency')])
      expect(await keysOf(first)).toEqual(['_idempotency/new', '_idempotency/same'])
      expect(await keysOf(second)).toEqual(['_idempotency/same', 'seats/b'])
      expect(await keysOf(last)).toEqual(['seats/c'])

      await store.clear(first)
      expect(await store.scan(first)).toBeUndefined()
      expect((await store.checkpoint(second))?.position).toBe(2)
      await store.apply(first, 0, checkpointAt(1), [put('d', { of: 0 }, 1)])
      expect(await keysOf(first)).toEqual(['seats/d'])
      expect(await keysOf(second)).toEqual(['_idempotency/same', 'seats/b'])
      expect(await keysOf(last)).toEqual(['seats/c'])
      for (const name of [first, second, last]) await store.clear(name)
    })

    test('keys of every kind are told apart', async () => {
      const keys = [
        ...['a', 'A', 'a ', ' a', 'ä', 'a\u0308', '日本', '🎟️', '$a', 'a.b', '_id', 'constructor'],
        ...['0', '00', 'null', '{}', 'a/b', 'a:b', 'a\0b', '\0', '\u{10ffff}', '__proto__'],
        ...['x'.repeat(1024), '🎟'.repeat(256), `${'🎟'.repeat(255)}abcd`],
      ]
      const changes = keys.map((key, at) => put(key, { key }, at + 1))
      await store.apply(space, 0, checkpointAt(keys.length), changes)
      const { entries } = await rehydrate(store, space, [])
      expect([...entries.values()].map(({ key }) => key).sort()).toEqual(keys.toSorted())
      for (const [at, key] of keys.entries())
        expect(await store.get(space, 'seats', key)).toEqual({
          cache: 'seats',
          key,
          value: { key },
          version: 2 ** 53 - 2 - at,
          position: at + 1,
        })
    })

    test('values come back as they were', { timeout: 30_000 + 1000 * runs }, async () => {
      const awkward = ['_id', '_grid', '$set', 'a.b', '.', '~', '~_id', '_bsontype', '$ref', '$id']
      let position = 0
      const values = fc.array(arbitraryValue(awkward), { minLength: 1, maxLength: 20 })
      await fc.assert(
        fc.asyncProperty(values, async (values) => {
          const from = position
          const changes = values.map((value, at) => put(`${at}`, value, ++position))
          await store.apply(space, from, checkpointAt(position), changes)
          const { entries } = await rehydrate(store, space, [])
          for (const [at, value] of values.entries())
            deepStrictEqual(entries.get(`seats/${at}`)?.value, value)
          deepStrictEqual((await store.get(space, 'seats', '0'))?.value, values[0])
        }),
        { numRuns: runs },
      )
    })

    test('a value that is nested as deeply as any may be comes back', async () => {
      await store.apply(space, 0, checkpointAt(1), [put('a', deepest(), 1)])
      deepStrictEqual((await store.get(space, 'seats', 'a'))?.value, deepest())
    })

    test('a field that is undefined does no harm', async () => {
      await store.apply(space, 0, checkpointAt(1), [put('a', { gone: undefined, kept: null }, 1)])
      expect((await store.get(space, 'seats', 'a'))?.value).toEqual({ kept: null })
    })
  })
}
