import type { Checkpoint, PackedEntries, StoredEntry, StoreScan } from '../../engine/ports/store.ts'
import { EntryPacker } from '../../engine/wire/entry-packer.ts'
import { readEntry } from './image-commands.ts'
import type { RedisConnection } from './redis-connection.ts'

type HashStep = [cursor: Buffer, fieldsAndValues: Buffer[]]

/**
 * A pass over the hashes of an image by HSCAN: every entry that is there from beginning to end is
 * read at least once, at some position in between; entries may come twice.
 */
export class RedisScan implements StoreScan {
  readonly start: Checkpoint
  readonly end: () => Promise<Checkpoint>
  readonly #connection: RedisConnection
  readonly #hashes: ReadonlyMap<string, string>
  readonly #entriesAtOnce: number

  /**
   * `entriesAtOnce`: that Redis looks at per step; a thousand are a millisecond of its time. Small
   * hashes come whole.
   */
  constructor(
    connection: RedisConnection,
    start: Checkpoint,
    hashes: ReadonlyMap<string, string>,
    entriesAtOnce: number,
    end: () => Promise<Checkpoint>,
  ) {
    this.start = start
    this.end = end
    this.#connection = connection
    this.#hashes = hashes
    this.#entriesAtOnce = entriesAtOnce
  }

  async *chunks(): AsyncGenerator<StoredEntry[], void> {
    for await (const [cache, stored] of this.#steps()) yield decodeChunk(cache, stored)
  }

  async *packedChunks(): AsyncGenerator<StoredEntry[] | PackedEntries, void> {
    for await (const [cache, stored] of this.#steps())
      yield packChunk(cache, stored) ?? decodeChunk(cache, stored)
  }

  async *#steps(): AsyncGenerator<readonly [cache: string, stored: Buffer[]], void> {
    for (const [cache, hash] of this.#hashes) {
      let step: Promise<HashStep> | undefined = this.#step(hash, '0')
      while (step) {
        const [cursor, fieldsAndValues]: HashStep = await step
        const next = cursor.toString('latin1')
        // Redis gets the next chunk ready while this one is used.
        step = next === '0' ? undefined : this.#step(hash, next)
        // Until it is awaited above nobody else would notice it fail.
        step?.catch(() => {})
        if (fieldsAndValues.length > 0) yield [cache, fieldsAndValues]
      }
    }
  }

  async close(): Promise<void> {}

  #step(hash: string, cursor: string): Promise<HashStep> {
    return this.#connection.use(
      `Reading ${hash}`,
      (redis) => redis.hscanBuffer(hash, cursor, 'COUNT', this.#entriesAtOnce) as Promise<HashStep>,
    )
  }
}

/** undefined: something has to be decoded, if only to find out what is wrong with it. */
function packChunk(cache: string, fieldsAndValues: readonly Buffer[]): PackedEntries | undefined {
  let bytes = 0
  for (const { byteLength } of fieldsAndValues) bytes += byteLength
  const packer = new EntryPacker(cache, bytes)
  for (let at = 0; at < fieldsAndValues.length; at += 2)
    if (!packer.add(fieldsAndValues[at]!, fieldsAndValues[at + 1]!)) return undefined
  return packer.end()
}

function decodeChunk(cache: string, fieldsAndValues: readonly Buffer[]): StoredEntry[] {
  const chunk: StoredEntry[] = []
  for (let at = 0; at < fieldsAndValues.length; at += 2) {
    const key = fieldsAndValues[at]!.toString('utf8')
    chunk.push(readEntry(cache, key, fieldsAndValues[at + 1]!))
  }
  return chunk
}
