import { MongoClient } from 'mongodb'
import { itemOf } from '../hot-path/bench-space.ts'
import type { Subject } from '../processes/subject.ts'

export interface MongoBulkOptions {
  readonly url: string
  readonly database: string
}

interface Item {
  readonly _id: string
}

const batch = 1000

/**
 * MongoDB's own bulk operations, with nothing around them, at the write concern that the data
 * writer asks for.
 */
export async function open({ url, database }: MongoBulkOptions): Promise<Subject> {
  const writeConcern = { w: 'majority' as const, journal: true }
  const client = await MongoClient.connect(url, { writeConcern })
  const db = client.db(database)
  return {
    operations: {},
    requests: {
      /** Writes so many new documents; ms. */
      write: async (collection: string, entries: number) => {
        const items = db.collection<Item>(collection)
        await items.deleteMany({})
        const from = performance.now()
        for (let first = 0; first < entries; first += batch) {
          const length = Math.min(batch, entries - first)
          await items.bulkWrite(
            Array.from({ length }, (_, i) => {
              const _id = `item-${first + i}`
              const replacement = { ...itemOf(first + i), _grid: { position: 1, version: 1 } }
              return { replaceOne: { filter: { _id }, replacement, upsert: true } }
            }),
            { ordered: false },
          )
        }
        return performance.now() - from
      },
      /** Reads a whole collection into a Map; ms. */
      read: async (collection: string, entries: number) => {
        const from = performance.now()
        const map = new Map<string, Item>()
        const found = db.collection<Item>(collection).find({}, { batchSize: 5000 })
        for await (const item of found) map.set(item._id, item)
        if (map.size !== entries) throw new Error(`MongoDB gave ${map.size} of ${entries} entries`)
        return performance.now() - from
      },
      /** Documents inserted and updated since the server started. */
      written: async () => {
        const { opcounters } = await client.db('admin').command({ serverStatus: 1 })
        return Number(opcounters.insert) + Number(opcounters.update)
      },
    },
    close: () => client.close(),
  }
}
