import { MongoClient } from 'mongodb'
import { itemOf } from '../hot-path/bench-space.ts'
import { keyAt, numberAt } from '../processes/keys.ts'
import type { Subject } from '../processes/subject.ts'

export interface MongodbOptions {
  readonly url: string
  readonly entries: number
  /** Writes the entries; one of several clients does. */
  readonly loads: boolean
}

interface Item {
  readonly _id: string
  readonly count: number
}

/** MongoDB through its driver, acknowledged by the one server (`w: 1`). */
export async function open({ url, entries, loads }: MongodbOptions): Promise<Subject> {
  const client = await MongoClient.connect(url, { writeConcern: { w: 1 }, maxPoolSize: 256 })
  const items = client.db('bench').collection<Item>('items')
  if (loads) {
    await items.deleteMany({})
    const all = Array.from({ length: entries }, (_, number) => ({
      _id: `item-${number}`,
      ...itemOf(number),
    }))
    await items.insertMany([...all, { _id: 'counter', count: 0 }])
  }
  const counter = { _id: 'counter' }
  let retries = 0
  return {
    operations: {
      get: (turn) => items.findOne({ _id: keyAt(turn, entries) }),
      put: (turn) =>
        items.updateOne(
          { _id: keyAt(turn, entries) },
          { $set: itemOf(numberAt(turn, entries), turn) },
        ),
      hotIncrement: () => items.updateOne(counter, { $inc: { count: 1 } }),
      hotCompareAndSet: async () => {
        for (;;) {
          const { count = 0 } = (await items.findOne(counter)) ?? {}
          const changed = { $set: { count: count + 1 } }
          const { modifiedCount } = await items.updateOne({ ...counter, count }, changed)
          if (modifiedCount === 1) return
          retries++
        }
      },
    },
    retries: () => retries,
    requests: { counter: async () => (await items.findOne(counter))?.count },
    close: () => client.close(),
  }
}
