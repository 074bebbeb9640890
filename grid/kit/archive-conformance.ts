import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { IndexRange } from '../core/data-types.ts'
import { logNamesOf } from '../core/log-name.ts'
import type {
  ArchiveRange,
  RebuildableStore,
  StoredChange,
  StoredEntry,
} from '../engine/ports/store.ts'
import { SeededRandom } from './seeded-random.ts'
import { checkpointAt, put, rehydrate, remove } from './store-conformance.ts'

export interface ArchiveConformanceSubject {
  readonly store: RebuildableStore
  close(): Promise<void>
}

const left = (
  key: string,
  value: Readonly<Record<string, unknown>>,
  position: number,
): StoredChange => ({ ...put(key, value, position), archived: true })

/** What comes with each entry that leaves memory: by it a store knows that there are any. */
const stirred = (position: number) => put('seats/1', { key: 'seats/1' }, position, '_archived')

/**
 * What every store that keeps what has left memory must do; each adapter's test calls it.
 * docs/decisions/0052.
 */
export function describeArchiveConformance(
  name: string,
  create: () => Promise<ArchiveConformanceSubject>,
  /** Of the ranges that are asked for. Left out: another one each time. */
  givenSeed?: number,
): void {
  describe(`${name} keeps what has left memory`, () => {
    let subject: ArchiveConformanceSubject
    let store: RebuildableStore
    let space: string
    let seed: number
    beforeAll(async () => {
      subject = await create()
      store = subject.store
    })
    afterAll(() => subject.close())
    beforeEach(() => {
      space = `s${randomUUID().replaceAll('-', '')}`
      seed = givenSeed ?? Math.floor(Math.random() * 2 ** 31)
    })

    const keysInMemory = async (logName = space) =>
      [...(await rehydrate(store, logName, [])).entries.values()]
        .filter(({ cache }) => cache === 'seats')
        .map(({ key }) => key)
        .sort()

    const keysOf = async (asked: Partial<ArchiveRange> = {}, logName = space) => {
      const all = { cache: 'seats', fields: ['at'], range: {}, limit: 100 }
      const found = await store.archive?.range(logName, { ...all, ...asked })
      return found?.map(({ key }) => key)
    }

    test('it is given by its key, and by no scan', async () => {
      const value = { at: 1, bytes: new Uint8Array([1, 255]), date: new Date(5), $odd: { _id: 1 } }
      await store.apply(space, 0, checkpointAt(2), [put('a', { at: 0 }, 1), put('b', value, 2)])
      await store.apply(space, 2, checkpointAt(3), [left('b', value, 3), stirred(3)])
      expect(await keysInMemory()).toEqual(['a'])
      expect(await store.get(space, 'seats', 'b')).toEqual(left('b', value, 3))
      expect(await store.get(space, 'seats', 'a')).toEqual(put('a', { at: 0 }, 1))
      expect(await keysOf()).toEqual(['b'])
      // It comes back, with another value.
      await store.apply(space, 3, checkpointAt(4), [put('b', { at: 7 }, 4)])
      expect(await store.get(space, 'seats', 'b')).toEqual(put('b', { at: 7 }, 4))
      expect(await keysInMemory()).toEqual(['a', 'b'])
      expect(await keysOf()).toEqual([])
      // It leaves again, and is deleted.
      await store.apply(space, 4, checkpointAt(5), [left('b', { at: 7 }, 5)])
      await store.apply(space, 5, checkpointAt(6), [remove('b', 6)])
      expect(await store.get(space, 'seats', 'b')).toBeUndefined()
      expect(await keysOf()).toEqual([])
    })

    test('what is to be removed from memory only is kept if it has left', async () => {
      await store.apply(space, 0, checkpointAt(2), [put('a', {}, 1), left('b', {}, 2), stirred(2)])
      const removals = ['a', 'b', 'c'].map(
        (key): StoredChange => ({ ...remove(key, 3), archived: true }),
      )
      await store.apply(space, 2, checkpointAt(3), removals)
      expect(await store.get(space, 'seats', 'a')).toBeUndefined()
      expect(await store.get(space, 'seats', 'b')).toEqual(left('b', {}, 2))
    })

    test('all of it is given, and nothing that is in memory', async () => {
      const all = async () => {
        const found: StoredEntry[] = []
        for await (const entries of store.archive?.all(space) ?? []) found.push(...entries)
        return found.sort((one, other) => Number(one.key > other.key) - 0.5)
      }
      expect(await all()).toEqual([])
      const gone = Array.from({ length: 1203 }, (_, at) => left(`k${1000 + at}`, { at }, 2))
      await store.apply(space, 0, checkpointAt(2), [put('a', { at: 0 }, 1), ...gone, stirred(2)])
      expect(await all()).toEqual(gone)
      const back = [put('k1000', { at: 0 }, 3), remove('k1001', 3)]
      await store.apply(space, 2, checkpointAt(3), back)
      expect(await all()).toEqual(gone.slice(2))
    })

    test('it stays when what is in memory is written anew, and goes with the space', async () => {
      await store.apply(space, 0, checkpointAt(2), [
        put('a', {}, 1),
        left('b', { at: 1 }, 2),
        stirred(2),
      ])
      await store.beginAnew(space, checkpointAt(-7))
      expect(await store.get(space, 'seats', 'b')).toEqual(left('b', { at: 1 }, 2))
      await store.apply(space, -7, checkpointAt(3), [put('c', {}, 3), stirred(3)])
      expect(await keysInMemory()).toEqual(['c'])
      expect(await keysOf()).toEqual(['b'])
      await store.clear(space)
      expect(await store.get(space, 'seats', 'b')).toBeUndefined()
      await store.apply(space, 0, checkpointAt(1), [put('d', {}, 1)])
      expect(await keysOf()).toEqual([])
    })

    test('partitions keep theirs apart', async () => {
      const [first, second] = logNamesOf(space, 2) as [string, string]
      await store.apply(first, 0, checkpointAt(1), [left('a', { at: 1 }, 1), stirred(1)])
      await store.apply(second, 0, checkpointAt(1), [left('b', { at: 2 }, 1), stirred(1)])
      expect(await keysOf({}, first)).toEqual(['a'])
      expect(await keysOf({}, second)).toEqual(['b'])
      expect(await keysInMemory(first)).toEqual([])
      for (const logName of [first, second]) await store.clear(logName)
    })

    test('ranges are found in their order, page by page', async () => {
      const random = new SeededRandom(seed)
      const pick = <T>(items: readonly T[]): T => items[random.below(items.length)] as T
      const entries: StoredEntry[] = Array.from({ length: 200 }, (_, at) => {
        const who = pick(['ann', 'bob', 'cid'])
        const when = random.chance(0.9) ? { when: random.below(20) } : {}
        return left(`k${at}`, { who, ...when, at }, at + 1) as StoredEntry
      })
      const others = [put('in-memory', { who: 'ann', when: 3, at: 0 }, 201), stirred(201)]
      await store.apply(space, 0, checkpointAt(201), [...entries, ...others])
      const fields = ['who', 'when']
      for (let round = 0; round < 30; round++) {
        const who = pick(['ann', 'bob', 'nobody'])
        const isOfOne = random.chance(0.7)
        const [low, high] = [random.below(20), random.below(20)]
        const range: IndexRange = isOfOne
          ? {
              equals: [who],
              ...pick([{}, { from: low }, { after: low }]),
              ...pick([{}, { to: high }, { before: high }]),
              reverse: random.chance(0.5),
            }
          : { reverse: random.chance(0.5) }
        const expected = entries
          .filter(({ value }) => value.when !== undefined && isIn(value, range))
          .sort((a, b) => compare(a, b) * (range.reverse ? -1 : 1))
          .map(({ key }) => key)
        const limit = 1 + random.below(40)
        const found: StoredEntry[] = []
        for (;;) {
          const last = found.at(-1)
          const beyond = last && {
            values: [last.value.who as string, last.value.when as number],
            key: last.key,
          }
          const asked = { cache: 'seats', fields, range, limit, beyond }
          const page = (await store.archive?.range(space, asked)) ?? []
          found.push(...page)
          if (page.length < limit) break
        }
        expect(
          found.map(({ key }) => key),
          `seed ${seed}, ${JSON.stringify(range)}`,
        ).toEqual(expected)
      }
    })
  })
}

type Fields = Readonly<Record<string, unknown>>

function isIn({ who, when }: Fields, { equals, from, after, to, before }: IndexRange): boolean {
  const at = when as number
  if (equals && who !== equals[0]) return false
  if (from !== undefined && at < (from as number)) return false
  if (after !== undefined && at <= (after as number)) return false
  return (
    !(to !== undefined && at > (to as number)) &&
    !(before !== undefined && at >= (before as number))
  )
}

function compare(a: StoredEntry, b: StoredEntry): number {
  const [who, other] = [a.value.who as string, b.value.who as string]
  if (who !== other) return who < other ? -1 : 1
  const order = (a.value.when as number) - (b.value.when as number)
  return order !== 0 ? order : a.key < b.key ? -1 : 1
}
