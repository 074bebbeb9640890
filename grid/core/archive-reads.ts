import { archiveBucketOf } from './archive-buckets.ts'
import type { Value } from './data-types.ts'
import type { CacheLayout } from './layout.ts'
import { absentVersion } from './version.ts'
import type { View } from './view.ts'

/** What the store was found to hold of keys that are not in memory. */
export interface KnownArchive {
  /**
   * The value; null: there is none. undefined: that is not known, as of this version of the key's
   * bucket.
   */
  find(cache: number, key: string, bucketVersion: number): Value | null | undefined
  /** Whether it is in memory as it is committed, whatever is pending. */
  isInMemory(cache: number, key: string): boolean
}

/** A key of which only the store can tell whether there is an entry. */
export interface UnknownKey {
  readonly cache: number
  readonly key: string
}

interface ReadingTransaction {
  /** Makes it depend on a version. */
  read(cache: number, key: string, version: number): void
}

/** What one transaction reads of what may have left memory. docs/decisions/0052. */
export class ArchiveReads {
  readonly #view: View
  readonly #known: KnownArchive
  readonly #transaction: ReadingTransaction
  readonly unknown: UnknownKey[] = []

  constructor(view: View, known: KnownArchive, transaction: ReadingTransaction) {
    this.#view = view
    this.#known = known
    this.#transaction = transaction
  }

  /** The value, as it is stored, of an entry that is not in memory. */
  find(layout: CacheLayout, key: string): Value | undefined {
    const cache = layout.number
    const found = this.#known.find(cache, key, this.readBucket(layout, key))
    if (found === undefined) this.unknown.push({ cache, key })
    return found ?? undefined
  }

  /**
   * Of what an operation is to change, the value to put before it, if it has left memory. What is
   * in memory has to stay there: nothing of its bucket may leave; and if it is only there by what
   * is pending, it has to come.
   */
  bringBack(layout: CacheLayout, key: string): Value | undefined {
    const cache = layout.number
    const version = this.#view.find(cache, key)?.version ?? absentVersion
    if (version === absentVersion) {
      this.#transaction.read(cache, key, version)
      return this.find(layout, key)
    }
    this.readBucket(layout, key)
    if (!this.#known.isInMemory(cache, key)) this.#transaction.read(cache, key, version)
    return undefined
  }

  /** Without making the transaction depend on it. */
  peek(layout: CacheLayout, key: string): Value | undefined {
    const bucket = archiveBucketOf(layout, key)
    const version = this.#view.find(this.#view.layout.archived, bucket)?.version
    return this.#known.find(layout.number, key, version ?? absentVersion) ?? undefined
  }

  /** From now on the transaction depends on nothing leaving this bucket. Its version. */
  readBucket(layout: CacheLayout, key: string): number {
    const bucket = archiveBucketOf(layout, key)
    const { archived } = this.#view.layout
    const version = this.#view.find(archived, bucket)?.version ?? absentVersion
    this.#transaction.read(archived, bucket, version)
    return version
  }
}
