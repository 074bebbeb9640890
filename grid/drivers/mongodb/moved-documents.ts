import { type AnyBulkWriteOperation, type Collection, type Db, MongoServerError } from 'mongodb'
import { GridError } from '../../core/errors.ts'
import { logNameOf } from '../../core/log-name.ts'
import {
  EntryPlaces,
  isCarriedOver,
  type PartitionCount,
  PartitionCounts,
  placesOfAnswers,
} from '../../core/repartition.ts'
import { archivedCache, idempotencyCache, type SpaceShape } from '../../core/shape.ts'
import type { StoredEntry } from '../../engine/ports/store.ts'
import { collectionName, partitionIndex, shareOf } from './cache-documents.ts'
import { type EntryDocument, fromDocument, gridFields, toDocument } from './mongo-document.ts'
import { namespaceExists } from './mongo-faults.ts'

/** From how many partitions to how many, and the definition that there will be. */
export interface Move {
  readonly from: number
  readonly to: number
  readonly shape: SpaceShape
}

/** Answers under idempotency keys get other ids: they are written aside, and put in place. */
export type AnswersState = 'old' | 'aside' | 'moved'

/** Kept with the move, so that whoever goes on with it knows. */
export interface KeptState {
  read(): Promise<AnswersState>
  /** @throws GridError `stale_writer`: another run has taken the move over */
  write(state: AnswersState): Promise<void>
}

/** Told of each entry that is read, in its old place. */
export interface EntryListener {
  entry(partition: number | undefined, entry: StoredEntry): void
}

export type Told = (entries: number) => void

const stepEntries = 1000
export const durably = { writeConcern: { w: 'majority', journal: true } } as const
/** Made anew each time, for the driver writes into it. */
export const majority = () => ({ readConcern: { level: 'majority' as const } })

type Operation = AnyBulkWriteOperation<EntryDocument>

/**
 * The documents of a space that is moved to another number of partitions. Each step can be done
 * again, however far it came: where a document belongs follows from what is in it, and which
 * partition it says it is in tells how it was hashed.
 */
export class MovedDocuments {
  readonly #space: string
  readonly #database: Db
  readonly #state: KeptState

  constructor(space: string, database: Db, state: KeptState) {
    this.#space = space
    this.#database = database
    this.#state = state
  }

  /**
   * Entries of caches that a move does not carry over, by their names; without those that only say
   * what has left memory, for which there is nobody to tell then.
   */
  async uncarried(): Promise<Map<string, number>> {
    const found = new Map<string, number>()
    for (const cache of await this.#caches())
      if (!isCarriedOver(cache) && cache !== archivedCache)
        found.set(cache, await this.#of(cache).countDocuments({}))
    return found
  }

  /**
   * Reads every entry that a move carries over, and says what has to be in each partition then.
   * Answers that are remembered under one key come one after the other.
   * @throws GridError `record_damaged`; `invalid_input` for an entry that does not say where it
   * belongs
   */
  async count(
    from: number,
    shape: SpaceShape,
    listener: EntryListener,
    told: Told,
  ): Promise<{ readonly counts: PartitionCount[]; readonly forgotten: number }> {
    const { partitions: to = 1 } = shape
    const counts = new PartitionCounts(shape, to)
    const places = new EntryPlaces(shape)
    let read = 0
    const tell = () => void (++read % stepEntries === 0 && told(read))
    for (const cache of await this.#moving(shape))
      for await (const { entry, partition } of this.#read(cache, from)) {
        if (!entry.archived) listener.entry(partition, entry)
        const { key, value, version } = entry
        const place = places.partitionOf(cache, key, value)
        if (!entry.archived) counts.add(place, cache, key, version)
        tell()
      }
    // They go, and are only counted for what is there now.
    for (const cache of (await this.#caches()).filter((name) => !isCarriedOver(name)))
      for await (const { entry, partition } of this.#read(cache, from))
        listener.entry(partition, entry)
    let forgotten = 0
    for await (const group of this.#answers(from)) {
      for (const { entry, partition } of group) {
        listener.entry(partition, entry)
        tell()
      }
      const placed = placesOfAnswers(entriesOf(group), to)
      for (const [place, { cache, key, version }] of placed) counts.add(place, cache, key, version)
      const kept = new Set([...placed.values()].map(({ version }) => version))
      const all = new Set(group.map(({ entry }) => entry.version))
      forgotten += all.size - kept.size
    }
    return { counts: counts.result(), forgotten }
  }

  /** Writes every document's partition anew, and the answers that are remembered. */
  async rewrite({ from, to, shape }: Move, told: Told): Promise<void> {
    const places = new EntryPlaces(shape)
    let read = 0
    await this.#moveAnswers(from, to, (answers) => told(read + answers))
    for (const cache of await this.#caches())
      if (!isCarriedOver(cache)) await this.#of(cache).deleteMany({}, durably)
    for (const cache of await this.#moving(shape)) {
      let step: Operation[] = []
      let writing: Promise<unknown> = Promise.resolve()
      const write = async () => {
        await writing
        const operations = step
        step = []
        if (operations.length > 0) writing = this.#write(cache, operations)
        // It is awaited above; until then nobody else would notice it fail.
        writing.catch(() => undefined)
      }
      for await (const { entry, partition, id } of this.#read(cache, from, to)) {
        const place = to === 1 ? undefined : places.partitionOf(cache, entry.key, entry.value)
        // What is there already was moved before this one came, or stays where it is.
        if (place !== partition) step.push(moveOf(id, entry, this.#shareOf(place, cache)))
        if (step.length === stepEntries) await write()
        if (++read % stepEntries === 0) told(read)
      }
      await write()
      await writing
      await this.#index(this.#of(cache), to)
    }
  }

  /** Reads all of it again, and counts it. */
  async recount({ to, shape }: Move, told: Told): Promise<PartitionCount[]> {
    const counts = new PartitionCounts(shape, to)
    const places = new EntryPlaces(shape)
    let read = 0
    for (const cache of [...(await this.#moving(shape)), idempotencyCache])
      for await (const { entry, partition } of this.#read(cache, to)) {
        const { key, value, version } = entry
        const isRight =
          cache === idempotencyCache || places.partitionOf(cache, key, value) === (partition ?? 0)
        if (!isRight)
          throw stale(this.#space, `${cache} ${JSON.stringify(key)} is not in its place`)
        if (!entry.archived) counts.add(partition ?? 0, cache, key, version)
        if (++read % stepEntries === 0) told(read)
      }
    return counts.result()
  }

  // Ids of answers hold the partition, so one in its new place could have the id of one that is in
  // its old place

  async #moveAnswers(from: number, to: number, told: Told): Promise<void> {
    const aside = this.#database.collection<EntryDocument>(`grid.moves.${this.#space}`)
    const answers = await this.#state.read()
    if (answers === 'moved') return
    if (answers === 'old') {
      await this.#drop(aside.collectionName)
      await makeCollection(this.#database, aside.collectionName)
      let written = 0
      let step: EntryDocument[] = []
      const write = async () => {
        if (step.length > 0) await aside.insertMany(step, { ...durably, ordered: false })
        written += step.length
        step = []
        told(written)
      }
      for await (const group of this.#answers(from))
        for (const [place, entry] of placesOfAnswers(entriesOf(group), to)) {
          const share = this.#shareOf(to === 1 ? undefined : place, idempotencyCache)
          step.push(toDocument(entry, share))
          if (step.length === stepEntries) await write()
        }
      await write()
      await this.#index(aside, to)
      if ((await aside.countDocuments({})) !== written)
        throw stale(this.#space, 'somebody else works at the same move')
      await this.#state.write('aside')
    }
    await this.#putInPlace(aside)
    await this.#state.write('moved')
  }

  async #putInPlace(aside: Collection<EntryDocument>): Promise<void> {
    const names = await this.#collections()
    // It is there already when this has been interrupted behind it.
    if (!names.includes(aside.collectionName)) return
    const place = collectionName(this.#space, idempotencyCache)
    await this.#database.renameCollection(aside.collectionName, place, { dropTarget: true })
  }

  /** In the order of their keys: all that are remembered under one key at once. */
  async *#answers(from: number): AsyncGenerator<ReadEntry[], void> {
    let group: ReadEntry[] = []
    for await (const one of this.#read(idempotencyCache, from, from, { key: 1 })) {
      if (group.length > 0 && group[0]?.entry.key !== one.entry.key) {
        yield group
        group = []
      }
      group.push(one)
    }
    if (group.length > 0) yield group
  }

  /**
   * Each with the partition that it says it is in: undefined where the space has one.
   * @param numbers of partitions that the space may have: both, while it is being moved
   */
  async *#read(
    cache: string,
    one: number,
    other = one,
    sort?: Readonly<Record<string, 1>>,
  ): AsyncGenerator<ReadEntry, void> {
    const mayBeWhole = one === 1 || other === 1
    const last = Math.max(one, other)
    const options = { ...majority(), batchSize: 4 * stepEntries, allowDiskUse: true }
    const cursor = this.#of(cache).find({}, options)
    if (sort) cursor.sort(sort)
    for await (const document of cursor) {
      const { partition } = document._grid ?? {}
      const fits = partition === undefined ? mayBeWhole : last > 1 && partition < last
      if (!fits)
        throw new GridError(
          'record_damaged',
          `${cache} ${JSON.stringify(document._id)} is in ${partition === undefined ? 'no partition' : `partition ${partition}`}`,
        )
      const entry = fromDocument(cache, document, this.#shareOf(partition, cache))
      yield { id: document._id, partition, entry }
    }
  }

  async #write(cache: string, operations: Operation[]): Promise<void> {
    // The values stay as they are, so there is nothing for a rule of the collection to say.
    const options = { ...durably, ordered: false, bypassDocumentValidation: true }
    const { matchedCount } = await this.#of(cache).bulkWrite(operations, options)
    if (matchedCount !== operations.length)
      throw stale(this.#space, `somebody writes ${collectionName(this.#space, cache)} meanwhile`)
  }

  async #index(collection: Collection<EntryDocument>, to: number): Promise<void> {
    if (to > 1) await collection.createIndex(partitionIndex)
    else if (await collection.indexExists(indexName)) await collection.dropIndex(indexName)
  }

  /** Caches of the application that have documents. */
  async #moving({ caches }: SpaceShape): Promise<string[]> {
    const stored = await this.#caches()
    const names = caches.map(({ name }) => name)
    return names.filter(
      (name) => stored.includes(name) && isCarriedOver(name) && name !== idempotencyCache,
    )
  }

  /** Names of all caches of the space, and whatever else has a name like theirs. */
  async #caches(): Promise<string[]> {
    const before = collectionName(this.#space, '')
    const names = await this.#collections()
    return names.filter((name) => name.startsWith(before)).map((name) => name.slice(before.length))
  }

  async #collections(): Promise<string[]> {
    const found = await this.#database.listCollections({}, { nameOnly: true }).toArray()
    return found.map(({ name }) => name)
  }

  async #drop(name: string): Promise<void> {
    if ((await this.#collections()).includes(name)) await this.#database.dropCollection(name)
  }

  #of(cache: string): Collection<EntryDocument> {
    return this.#database.collection(collectionName(this.#space, cache))
  }

  #shareOf(partition: number | undefined, cache: string) {
    return shareOf(logNameOf(this.#space, partition), cache)
  }
}

export const stale = (space: string, what: string): GridError =>
  new GridError('stale_writer', `${space} cannot be moved: ${what}`)

export async function makeCollection(database: Db, name: string): Promise<void> {
  try {
    await database.createCollection(name)
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== namespaceExists) throw error
  }
}

const indexName = '_grid.partition_1'

interface ReadEntry {
  readonly id: EntryDocument['_id']
  readonly partition: number | undefined
  readonly entry: StoredEntry
}

const entriesOf = (group: readonly ReadEntry[]): StoredEntry[] => group.map(({ entry }) => entry)

const moveOf = (_id: string, entry: StoredEntry, share: ReturnType<typeof shareOf>): Operation => ({
  updateOne: {
    filter: { _id, '_grid.version': entry.version },
    update: { $set: { _grid: gridFields(entry, share) } },
  },
})
