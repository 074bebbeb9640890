import { MongoClient } from 'mongodb'
import type { StoredAccounts } from './judge-transfers.ts'

/** What MongoDB holds of all partitions, read by nothing of the grid, in one snapshot. */
export async function storedAccounts(mongodbUrl: string): Promise<StoredAccounts> {
  const client = await MongoClient.connect(mongodbUrl)
  try {
    const database = client.db('spacegrid')
    const session = client.startSession({ snapshot: true })
    const all = <Of extends object>(cache: string) =>
      database.collection<Of & { _id: string }>(`transfers.${cache}`).find({}, { session })
    const accounts = await all<{ balance: number }>('accounts').toArray()
    const movements = await all<{ amount: number; times: number }>('movements').toArray()
    await session.endSession()
    return {
      balances: new Map(accounts.map(({ _id, balance }) => [String(_id), balance])),
      movements: new Map(
        movements.map(({ _id, amount, times }) => [String(_id), { amount, times }]),
      ),
    }
  } finally {
    await client.close()
  }
}
