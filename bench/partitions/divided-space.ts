import { partitionHash, partitionOfHash } from '@spacegrid/grid/core/partition'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'
import {
  countResult,
  itemInput,
  itemOf,
  itemSchema,
  itemsPerGroup,
  touchInput,
} from '../hot-path/bench-space.ts'

/**
 * Entries of about 200 bytes with two indexes, as in the other benchmarks; what stands before the
 * first `/` of a key says in which partition the entry is.
 */
const items = defineCache('items', {
  schema: itemSchema,
  key: 'itemId',
  indexes: { byGroup: ['group', 'rank'], byStatus: ['status', 'rank'] },
  partitionBy: { prefixOf: 'itemId', until: '/' },
})

const load = defineCommand('load', {
  input: Type.Object({
    bucket: Type.String(),
    from: Type.Integer(),
    count: Type.Integer({ maximum: 100_000 }),
  }),
  partitionBy: 'bucket',
  handler: (tx, { bucket, from, count }) => {
    for (let number = from; number < from + count; number++)
      tx.put(items, {
        ...itemOf(number),
        itemId: `${bucket}/${number}`,
        group: Math.floor(number / itemsPerGroup),
      })
    return { count }
  },
})

/** Reads one entry and writes it, by a handler. */
const touch = defineCommand('touch', {
  input: touchInput,
  result: countResult,
  partitionBy: { prefixOf: 'itemId', until: '/' },
  handler: (tx, { itemId, by }) => {
    const item = tx.get(items, itemId) ?? tx.reject('no_such_item')
    tx.put(items, { ...item, count: item.count + by })
    return { count: item.count + by }
  },
})

/** The same; in a space with one partition, keys that are hot get a home of their own. */
const touchHot = defineCommand('touchHot', {
  input: touchInput,
  result: countResult,
  partitionBy: { prefixOf: 'itemId', until: '/' },
  affinity: 'itemId',
  handler: (tx, { itemId, by }) => {
    const item = tx.get(items, itemId) ?? tx.reject('no_such_item')
    tx.put(items, { ...item, count: item.count + by })
    return { count: item.count + by }
  },
})

/** Both, or neither. */
const move = defineCommand('move', {
  input: Type.Object({ from: Type.String(), to: Type.String(), by: Type.Integer() }),
  parts: ({ from, to, by }) => [
    { command: touch, input: { itemId: from, by: -by } },
    { command: touch, input: { itemId: to, by } },
  ],
})

/** All of them, or none. */
const touchAll = defineCommand('touchAll', {
  input: Type.Object({ itemIds: Type.Array(Type.String(), { minItems: 1 }) }),
  parts: ({ itemIds }) => itemIds.map((itemId) => ({ command: touch, input: { itemId, by: 1 } })),
})

const item = defineQuery('item', {
  input: itemInput,
  result: itemSchema,
  partitionBy: { prefixOf: 'itemId', until: '/' },
  handler: (read, { itemId }) => read.get(items, itemId) ?? read.notFound(`no item ${itemId}`),
})

export const dividedSpace = (name: string, partitions: number) =>
  defineSpace(name, {
    partitions,
    caches: [items],
    commands: [load, touch, touchHot, move, touchAll],
    queries: [item],
  })

/** Buckets are many more than partitions, so that these are about equally full. */
const bucketsMax = 1024
/** Of a bucket at least; below, loading would be all small transactions. */
const bucketEntriesMin = 10

/** The entries of a space, by the partition that each is in. */
export class DividedKeys {
  readonly bucketEntries: number
  readonly #buckets: readonly (readonly string[])[]

  constructor(entries: number, partitions: number) {
    // With few entries there are still as many buckets as it takes to meet every partition.
    const buckets = Math.min(bucketsMax, Math.max(partitions * 16, entries / bucketEntriesMin))
    const byPartition = Array.from({ length: partitions }, () => [] as string[])
    for (let number = 0; number < Math.round(buckets); number++) {
      const bucket = `b${number}`
      byPartition[partitionOfHash(partitionHash([bucket]), partitions)]?.push(bucket)
    }
    this.#buckets = byPartition
    this.bucketEntries = Math.max(1, Math.round(entries / Math.round(buckets)))
  }

  get buckets(): readonly string[] {
    return this.#buckets.flat()
  }

  /** Consecutive turns go over all partitions given, buckets and entries alike. */
  keyAt(turn: number, among: readonly number[]): string {
    const partition = among[turn % among.length] as number
    const buckets = this.#buckets[partition] as readonly string[]
    const round = Math.floor(turn / among.length)
    const bucket = buckets[round % buckets.length] as string
    return `${bucket}/${Math.floor(round / buckets.length) % this.bucketEntries}`
  }

  partitionOf(key: string): number {
    const bucket = key.slice(0, key.indexOf('/'))
    return partitionOfHash(partitionHash([bucket]), this.#buckets.length)
  }
}
