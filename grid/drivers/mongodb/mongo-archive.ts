import type { Db, Document, Filter } from 'mongodb'
import type { Scalar } from '../../core/data-types.ts'
import { GridError } from '../../core/errors.ts'
import type { LogName } from '../../core/log-name.ts'
import type { ArchiveRange, StoredEntry } from '../../engine/ports/store.ts'
import { CacheDocuments } from './cache-documents.ts'
import { type EntryDocument, storedField } from './mongo-document.ts'

/** A range that MongoDB does not find in this time is not answered. */
const rangeMsMax = 10_000
/** Of everything, in one piece. */
const pieceEntries = 1000
/** What an index holds: the same as in memory. */
const orderable = { $type: ['string', 'number', 'bool'] } as const

/**
 * Finds entries that have left memory by index ranges, in MongoDB: each by an index that holds no
 * others. MongoDB orders texts by code points and booleans behind everything else.
 */
export class MongoArchive {
  readonly #database: Db
  /** Collections and fields of which the index is there. */
  readonly #indexed = new Set<string>()

  constructor(database: Db) {
    this.#database = database
  }

  /** @throws GridError `invalid_input` for fields that MongoDB takes for paths */
  async range(logName: LogName, asked: ArchiveRange): Promise<StoredEntry[]> {
    const { cache, fields, range, limit } = asked
    const dotted = fields.find((field) => field.includes('.') || field.startsWith('$'))
    if (dotted !== undefined)
      throw new GridError('invalid_input', `MongoDB has no index of the field ${dotted}`)
    const documents = new CacheDocuments(this.#database, logName, cache)
    const names = fields.map(storedField)
    await this.#index(documents, names)
    const direction = range.reverse ? -1 : 1
    const sort = Object.fromEntries([...names, '_id'].map((name) => [name, direction] as const))
    const found = await documents.collection
      .find(
        {
          $and: [documents.all, { '_grid.archived': true }, ...filtersOf(names, asked, documents)],
        },
        { readConcern: { level: 'majority' }, sort, limit, maxTimeMS: rangeMsMax },
      )
      .toArray()
    return found.map((document) => documents.fromDocument(document))
  }

  /** Everything of a cache that has left memory, in pieces. */
  async *allOf(documents: CacheDocuments): AsyncGenerator<StoredEntry[], void> {
    const cursor = documents.collection.find(
      { $and: [documents.all, { '_grid.archived': true }] },
      { readConcern: { level: 'majority' }, batchSize: pieceEntries },
    )
    try {
      while (await cursor.hasNext())
        yield cursor
          .readBufferedDocuments(pieceEntries)
          .map((document) => documents.fromDocument(document))
    } finally {
      await cursor.close()
    }
  }

  async #index(documents: CacheDocuments, names: readonly string[]): Promise<void> {
    const { collection, isShared } = documents
    const name = `archive:${names.join(',')}`
    const known = `${collection.collectionName} ${name}`
    if (this.#indexed.has(known)) return
    const keys = [...(isShared ? ['_grid.partition'] : []), ...names, '_id']
    await collection.createIndex(Object.fromEntries(keys.map((key) => [key, 1] as const)), {
      name,
      partialFilterExpression: { '_grid.archived': true },
    })
    this.#indexed.add(known)
  }
}

function filtersOf(
  names: readonly string[],
  { range, beyond }: ArchiveRange,
  documents: CacheDocuments,
): Filter<EntryDocument>[] {
  const { equals = [], from, after, to, before, reverse } = range
  const filters: Document[] = names.map((name, at) => ({
    [name]: at < equals.length ? (equals[at] as Scalar) : orderable,
  }))
  const next = names[equals.length]
  const bounds = { $gte: from, $gt: after, $lte: to, $lt: before }
  for (const [operator, bound] of Object.entries(bounds))
    if (bound !== undefined && next !== undefined) filters.push({ [next]: { [operator]: bound } })
  if (beyond) {
    const values: readonly Scalar[] = [...beyond.values, documents.idOf(beyond.key)]
    const than = reverse ? '$lt' : '$gt'
    filters.push({
      $or: [...names, '_id'].map((name, at) => ({
        ...Object.fromEntries([...names].slice(0, at).map((it, i) => [it, values[i]])),
        [name]: { [than]: values[at] },
      })),
    })
  }
  return filters as Filter<EntryDocument>[]
}
