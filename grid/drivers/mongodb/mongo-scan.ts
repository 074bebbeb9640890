import type { ClientSession } from 'mongodb'
import { isGridError } from '../../core/errors.ts'
import { contentBytes } from '../../core/growth.ts'
import { archivedCache } from '../../core/shape.ts'
import type {
  Checkpoint,
  PackedEntries,
  ScanOptions,
  StoredEntry,
  StoreScan,
} from '../../engine/ports/store.ts'
import type { CacheDocuments } from './cache-documents.ts'
import { decoded } from './document-packer.ts'
import type { EntryDocument } from './mongo-document.ts'
import { toStoreError } from './mongo-faults.ts'

/**
 * Options that make a read part of a session's snapshot. The level is named although the session
 * implies it: one in the URL would win over the session. Made anew each time, for the driver writes
 * into it.
 */
export const ofSnapshot = (session: ClientSession) => ({
  session,
  readConcern: { level: 'snapshot' as const },
})

/**
 * Enough to make the way to the server and back cheap, few enough for a short turn. The server
 * sends at most 16 MiB at once.
 */
const chunkEntries = 4000
export const scanBytesMaxDefault = 16 * 1024 * 1024

/** Of a scan in small pieces, while the size of the entries is not known. */
const firstPieceEntries = 16

/** The part of the space that is in quarantine, in the same snapshot. */
export interface ScannedQuarantine {
  /** `cache/key`. */
  readonly names: ReadonlySet<string>
  chunks(): AsyncIterable<StoredEntry[]>
}

/**
 * A pass over the collections of a space as they were at one instant: all reads belong to one
 * snapshot session. MongoDB keeps the history this needs for `minSnapshotHistoryWindowInSeconds` (5
 * minutes by default); a longer scan fails and has to begin anew.
 */
export class MongoScan implements StoreScan {
  readonly start: Checkpoint
  readonly #caches: readonly CacheDocuments[]
  readonly #session: ClientSession
  readonly #quarantine: ScannedQuarantine | undefined
  readonly #damaged: ScanOptions['damaged']
  readonly #sampleEntries: number | undefined
  readonly #bytesMax: number
  /** Otherwise there is nothing to leave out. */
  readonly #mayArchive: boolean

  constructor(
    start: Checkpoint,
    caches: readonly CacheDocuments[],
    session: ClientSession,
    quarantine: ScannedQuarantine | undefined,
    { damaged, sampleEntries }: ScanOptions,
    bytesMax: number,
  ) {
    this.#bytesMax = bytesMax
    this.start = start
    this.#mayArchive = caches.some(({ cache }) => cache === archivedCache)
    this.#caches = caches
    this.#session = session
    this.#quarantine = quarantine
    this.#damaged = damaged
    this.#sampleEntries = sampleEntries
  }

  async *chunks(): AsyncGenerator<StoredEntry[], void> {
    for await (const chunk of this.#chunks(false)) yield chunk as StoredEntry[]
  }

  packedChunks(): AsyncGenerator<StoredEntry[] | PackedEntries, void> {
    return this.#chunks(true)
  }

  async *#chunks(raw: boolean): AsyncGenerator<StoredEntry[] | PackedEntries, void> {
    try {
      for (const documents of this.#caches) yield* this.#read(documents, raw)
      if (!this.#quarantine) return
      for await (const entries of this.#quarantine.chunks())
        yield entries.filter(({ archived }) => !archived)
    } catch (error) {
      throw toStoreError(error, 'Scanning')
    }
  }

  /** `raw`: documents come as MongoDB has them. */
  async *#read(
    documents: CacheDocuments,
    raw: boolean,
  ): AsyncGenerator<StoredEntry[] | PackedEntries, void> {
    const batchSize = Math.ceil((chunkEntries * this.#bytesMax) / scanBytesMaxDefault)
    const limit = this.#sampleEntries ?? 0
    const options = { ...ofSnapshot(this.#session), batchSize, limit, raw }
    const filter = this.#mayArchive ? documents.inMemory : documents.all
    const cursor = documents.collection.find(filter, options)
    const isSmall = batchSize < chunkEntries
    let pieceEntries = isSmall ? firstPieceEntries : batchSize
    try {
      let more = cursor.hasNext()
      while (await more) {
        // Documents become entries only when they are read: of large ones a few at a time.
        const read: readonly (EntryDocument | Uint8Array)[] =
          cursor.readBufferedDocuments(pieceEntries)
        const entries = raw
          ? this.#packed(documents, read as readonly Uint8Array[])
          : this.#current(documents, read as readonly EntryDocument[])
        if (isSmall) pieceEntries = this.#nextPiece(entries, batchSize)
        // The server gets the next chunk ready while this one is used.
        more = cursor.hasNext()
        // Until it is awaited above nobody else would notice it fail.
        more.catch(() => {})
        yield entries
      }
    } finally {
      await cursor.close()
    }
  }

  /**
   * As many as had room if they are like those before; growing by and by, for the next ones may be
   * larger.
   */
  #nextPiece(entries: readonly StoredEntry[] | PackedEntries, entriesMax: number): number {
    const isPacked = 'parts' in entries
    const count = isPacked ? entries.entries : entries.length
    let bytes = 1
    if (isPacked) for (const part of entries.parts) bytes += part.byteLength
    else for (const { value } of entries) bytes += contentBytes(value)
    const fitting = Math.floor((this.#bytesMax * count) / bytes)
    return Math.max(1, Math.min(fitting, 2 * count + 1, entriesMax))
  }

  /** Whose old document is here and whose is damaged is found out of what is decoded. */
  #packed(documents: CacheDocuments, read: readonly Uint8Array[]): StoredEntry[] | PackedEntries {
    const isWhole = !this.#quarantine?.names.size
    const packed = isWhole ? documents.pack(read) : undefined
    return (
      packed ??
      this.#current(
        documents,
        read.map((it) => decoded(it) as EntryDocument),
      )
    )
  }

  /** What is in quarantine has an old document here, or none. */
  #current(documents: CacheDocuments, read: readonly EntryDocument[]): StoredEntry[] {
    const { cache } = documents
    const aside = this.#quarantine?.names
    const current = aside?.size
      ? read.filter(({ _id }) => !aside.has(`${cache}/${documents.keyOf(_id)}`))
      : read
    if (!this.#damaged) return current.map((document) => documents.fromDocument(document))
    return current.flatMap((document) => this.#sound(documents, document) ?? [])
  }

  #sound(documents: CacheDocuments, document: EntryDocument): StoredEntry | undefined {
    try {
      return documents.fromDocument(document)
    } catch (error) {
      if (!isGridError(error, 'record_damaged')) throw error
      this.#damaged?.({ cache: documents.cache, key: documents.keyOf(document._id) })
      return undefined
    }
  }

  async end(): Promise<Checkpoint> {
    return this.start
  }

  async close(): Promise<void> {
    await this.#session.endSession()
  }
}
