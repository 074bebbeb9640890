import { decodeEntry, encodeEntry } from '@spacegrid/grid/adapters/embedded/entry-codec'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'

/** Changes one document by hand, as nobody should: its value, not its version. Returns its key. */
export async function tamperWithDocument(
  mongodbUrl: string,
  collection: string,
  field: string,
  value: unknown,
): Promise<string> {
  const client = await MongoClient.connect(mongodbUrl)
  try {
    const documents = client.db('spacegrid').collection<{ _id: string }>(collection)
    const found = await documents.findOneAndUpdate({}, { $set: { [field]: value } })
    if (!found) throw new Error(`${collection} is empty`)
    return found._id
  } finally {
    await client.close()
  }
}

/** Does anything to what is in Redis. */
export async function withRedis<T>(
  redisUrl: string,
  work: (redis: Redis) => Promise<T>,
): Promise<T> {
  const redis = new Redis(redisUrl)
  try {
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}

/** The same in a hash of the warm image. */
export async function tamperWithImage(
  redisUrl: string,
  hash: string,
  field: string,
  value: unknown,
): Promise<string> {
  return await withRedis(redisUrl, async (redis) => {
    const key = await redis.hrandfield(hash)
    if (typeof key !== 'string') throw new Error(`${hash} is empty`)
    const bytes = await redis.hgetBuffer(hash, key)
    if (!bytes) throw new Error(`${hash} has lost ${key}`)
    const entry = decodeEntry(hash.split(':').at(-1) ?? '', key, bytes)
    const changed = { ...entry, value: { ...entry.value, [field]: value } }
    await redis.hset(hash, key, encodeEntry(changed))
    return key
  })
}

/** What an operator does with an image that is wrong. */
export async function forgetImage(redisUrl: string, space: string): Promise<void> {
  await withRedis(redisUrl, (redis) => redis.del(`spacegrid:${space}:position`))
}
