import { decodeEntry, encodeEntry } from '@spacegrid/grid/engine/wire/entry-codec'
import { Redis } from 'ioredis'
import { type Collection, MongoClient } from 'mongodb'

type StoredDocument = Readonly<Record<string, unknown>> & { readonly _id: string }

async function withCollection<T>(
  mongodbUrl: string,
  collection: string,
  work: (documents: Collection<StoredDocument>) => Promise<T>,
): Promise<T> {
  const client = await MongoClient.connect(mongodbUrl)
  try {
    return await work(client.db('spacegrid').collection<StoredDocument>(collection))
  } finally {
    await client.close()
  }
}

/**
 * Changes one document by hand, as nobody should: its value, not its version. Returns its key, and
 * what it was.
 */
export async function tamperWithDocument(
  mongodbUrl: string,
  collection: string,
  field: string,
  value: unknown,
): Promise<{ readonly key: string; readonly before: StoredDocument }> {
  return await withCollection(mongodbUrl, collection, async (documents) => {
    const before = await documents.findOneAndUpdate({}, { $set: { [field]: value } })
    if (!before) throw new Error(`${collection} is empty`)
    return { key: before._id, before: before as StoredDocument }
  })
}

export async function documentOf(
  mongodbUrl: string,
  collection: string,
  key: string,
): Promise<StoredDocument | undefined> {
  return await withCollection(mongodbUrl, collection, async (documents) => {
    const found = await documents.findOne({ _id: key })
    return (found as StoredDocument | null) ?? undefined
  })
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
