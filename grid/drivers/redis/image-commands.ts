import type { ChainableCommander, Redis } from 'ioredis'
import { GridError, isGridError } from '../../core/errors.ts'
import type { LogName } from '../../core/log-name.ts'
import type { StoredChange, StoredEntry } from '../../engine/ports/store.ts'
import { decodeEntry, encodeEntry } from '../../engine/wire/entry-codec.ts'
import {
  decodeImageCheckpoint,
  encodeImageCheckpoint,
  type ImageCheckpoint,
} from './image-checkpoint.ts'
import { allKeysPattern, checkpointKey, positionKey } from './image-keys.ts'

/** Fields of one HSET or HDEL: large enough to be cheap, small enough not to hold up Redis. */
const fieldsAtOnce = 500

export async function readCheckpoint(
  redis: Redis,
  logName: LogName,
): Promise<ImageCheckpoint | undefined> {
  const [position, rest] = await redis.mgetBuffer(positionKey(logName), checkpointKey(logName))
  return decodeImageCheckpoint(position, rest)
}

export function setCheckpoint(
  transaction: ChainableCommander,
  logName: LogName,
  checkpoint: ImageCheckpoint,
): void {
  transaction.set(positionKey(logName), checkpoint.position)
  transaction.set(checkpointKey(logName), encodeImageCheckpoint(checkpoint))
}

/** What has left memory is not part of an image. */
export const isInMemory = ({ value, archived }: StoredChange): boolean =>
  value !== undefined && !archived

export function writeEntries(
  commands: ChainableCommander,
  hash: string,
  changes: readonly StoredChange[],
): void {
  for (let at = 0; at < changes.length; at += fieldsAtOnce) {
    const puts: (string | Buffer)[] = []
    const gone: string[] = []
    for (const change of changes.slice(at, at + fieldsAtOnce)) {
      const { cache, key, value, version, position } = change
      if (!isInMemory(change) || !value) gone.push(key)
      else puts.push(key, encodeEntry({ cache, key, value, version, position }))
    }
    if (puts.length > 0) commands.hset(hash, ...puts)
    if (gone.length > 0) commands.hdel(hash, ...gone)
  }
}

/**
 * @throws GridError `record_damaged`, `format_unsupported`: anybody may have spoiled what is in
 * Redis
 */
export function readEntry(cache: string, key: string, bytes: Buffer): StoredEntry {
  try {
    return decodeEntry(cache, key, bytes)
  } catch (cause) {
    const message = `The entry ${JSON.stringify(key)} of ${cache} in the image cannot be read`
    const code = isGridError(cause, 'format_unsupported') ? cause.code : 'record_damaged'
    throw new GridError(code, message, { cause })
  }
}

/** Every key of a space, whether a checkpoint knows it or not. */
export async function findKeys(redis: Redis, logName: LogName): Promise<string[]> {
  const keys = new Set<string>()
  let cursor = '0'
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', allKeysPattern(logName), 'COUNT', 1000)
    for (const key of found) keys.add(key)
    cursor = next
  } while (cursor !== '0')
  return [...keys]
}

/** Runs a pipeline. @throws the first error among its replies */
export async function results(pipeline: ChainableCommander): Promise<unknown[]> {
  const replies = (await pipeline.exec()) ?? []
  for (const [error] of replies) if (error) throw error
  return replies.map(([, reply]) => reply)
}
