import type { Collection, Db, Filter } from 'mongodb'
import { type LogName, partitionOf, spaceOf } from '../../core/log-name.ts'
import type { PackedEntries, StoredChange, StoredEntry } from '../../engine/ports/store.ts'
import { DocumentPacker } from './document-packer.ts'
import {
  type EntryDocument,
  fromDocument,
  idsOf,
  keyOf,
  type Share,
  toDocument,
} from './mongo-document.ts'

/** Not `$ne: true`: this one an index answers, in which who lacks the field stands under null. */
export const notArchived = { '_grid.archived': null } as const
/**
 * Of caches from which something has left memory: a scan of what is in memory must not take as long
 * as there are others.
 */
const memoryIndex = { '_grid.archived': 1 } as const

/** Every partition scans, compares and clears its own documents by it. */
export const partitionIndex = { '_grid.partition': 1 } as const

/** So that a document is found by its id, whatever else a filter says. */
const byId = { hint: '_id_' } as const
const asFound = {} as const

/**
 * The documents of one log in the collection of one cache. Of a space with one partition these are
 * all that there are. Partitions of a divided space share the collections of their space: whose a
 * document is stands in its `_grid.partition`, and nobody touches another one's. A document that
 * does not say whose it is was not left so by the grid: by its key it is anybody's, in a pass over
 * all it is the first partition's.
 */
export class CacheDocuments {
  readonly cache: string
  readonly collection: Collection<EntryDocument>
  readonly #share: Share | undefined

  constructor(database: Db, logName: LogName, cache: string) {
    this.cache = cache
    this.collection = database.collection(collectionName(logName, cache))
    this.#share = shareOf(logName, cache)
  }

  /** Others keep documents in the same collection. */
  get isShared(): boolean {
    return this.#share !== undefined
  }

  get all(): Filter<EntryDocument> {
    if (!this.#share) return {}
    const { partition } = this.#share
    return { '_grid.partition': partition === 0 ? { $in: [0, null] } : partition }
  }

  /** Those that have not left memory. */
  get inMemory(): Filter<EntryDocument> {
    return { ...this.all, ...notArchived }
  }

  /** Finds those. */
  get memoryIndex(): Readonly<Record<string, 1>> {
    return this.#share ? { ...partitionIndex, ...memoryIndex } : memoryIndex
  }

  /** For operations that filter by ids. */
  get byId(): { readonly hint?: string } {
    return this.#share ? byId : asFound
  }

  /** Also what an id that is no text stands for. */
  ofKeys(keys: readonly string[]): Filter<EntryDocument> {
    return this.#ofIds({ $in: keys.flatMap((key) => idsOf(key, this.#share)) })
  }

  ofKey(key: string): Filter<EntryDocument> {
    return this.#ofIds(this.idOf(key))
  }

  /** Documents of other partitions that have keys of ours. */
  takenOf(keys: readonly string[]): Filter<EntryDocument> {
    const others = { $nin: [this.#share?.partition, null] }
    return { _id: { $in: keys.map((key) => this.idOf(key)) }, '_grid.partition': others }
  }

  idOf(key: string): string {
    return this.#share ? this.#share.prefix + key : key
  }

  toDocument(change: StoredChange): EntryDocument {
    return toDocument(change, this.#share)
  }

  /** @throws GridError `record_damaged` */
  fromDocument(document: EntryDocument): StoredEntry {
    return fromDocument(this.cache, document, this.#share)
  }

  /**
   * Entries of documents as they have come, for whoever only passes them on; undefined: one of them
   * has to be decoded, if only to find out what is wrong with it.
   */
  pack(documents: readonly Uint8Array[]): PackedEntries | undefined {
    let bytes = 0
    for (const { byteLength } of documents) bytes += byteLength
    const packer = new DocumentPacker(this.cache, this.#share, bytes)
    for (const document of documents) if (!packer.add(document)) return undefined
    return packer.end()
  }

  keyOf(id: unknown): string {
    return keyOf(id, this.#share)
  }

  #ofIds(ids: string | { readonly $in: string[] }): Filter<EntryDocument> {
    if (!this.#share) return { _id: ids }
    return { _id: ids, '_grid.partition': { $in: [this.#share.partition, null] } }
  }
}

export const collectionName = (logName: LogName, cache: string): string =>
  `${spaceOf(logName)}.${cache}`

/** In the grid's own caches several partitions may have the same key; in others they must not. */
export function shareOf(logName: LogName, cache: string): Share | undefined {
  const partition = partitionOf(logName)
  if (partition === undefined) return undefined
  return {
    partition,
    prefix: cache.startsWith('_') ? `${partition}/` : '',
    hashedAs: `${partition}/${cache}`,
  }
}
