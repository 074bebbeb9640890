import type { Database } from 'lmdb'
import { GridError } from '../../core/errors.ts'
import { type LogName, logNamesOf, spaceOf } from '../../core/log-name.ts'
import {
  EntryPlaces,
  isCarriedOver,
  type PartitionCount,
  PartitionCounts,
  placesOfAnswers,
} from '../../core/repartition.ts'
import { archivedCache, idempotencyCache, type SpaceShape } from '../../core/shape.ts'
import type { Checkpoint, StoredEntry } from '../../engine/ports/store.ts'
import {
  decodeEntryKey,
  encodeCheckpoint,
  encodeEntry,
  encodeEntryKey,
  readStored,
  sealed,
} from '../../engine/wire/entry-codec.ts'
import { decodeHeader } from '../../engine/wire/snapshot-codec.ts'
import type { EmbeddedEnvironment } from './embedded-environment.ts'
import { type EmbeddedMoveNote, StoreFile } from './store-file.ts'

/** What is stored of a space. */
export interface EmbeddedDivision {
  readonly checkpoints: ReadonlyMap<LogName, Checkpoint>
  /** A move that has not come to its end. */
  readonly move: EmbeddedMoveNote | undefined
}

/** What is counted of a space before it is moved. */
export interface CountedEntries {
  /** What each partition will have. */
  readonly counts: readonly PartitionCount[]
  /** What each log has now, all of the grid's own included. */
  readonly found: ReadonlyMap<LogName, PartitionCount>
  /** Answers under idempotency keys that have to make room for others under the same key. */
  readonly forgotten: number
  /** Entries of caches that a move does not carry over, by their names. */
  readonly own: ReadonlyMap<string, number>
}

interface Located {
  readonly logName: LogName
  readonly storedKey: Buffer
  readonly bytes: Buffer
  readonly entry: StoredEntry
}

type Told = (entries: number) => void

const stepEntries = 1000
const storeName = 'store'
/** Answers under idempotency keys have places of their own. */
const isPlaced = (cache: string): boolean => isCarriedOver(cache) && cache !== idempotencyCache

/** Of the new checkpoints until the new logs are there. */
const noIdentity = ''

/**
 * Moves what the store of an embedded grid has of a space to another number of partitions. All
 * entries and checkpoints change in one LMDB transaction, with a note that the logs have still to
 * be put in place; while it is there nobody begins with the store. So whoever is killed leaves
 * everything as it was, or a note with which another one goes on.
 */
export class EmbeddedMove {
  readonly #space: string
  readonly #environment: EmbeddedEnvironment
  readonly #file: StoreFile

  /** @throws GridError `configuration_invalid`, `format_unsupported` */
  constructor(space: string, environment: EmbeddedEnvironment) {
    this.#space = space
    this.#environment = environment
    this.#file = new StoreFile(environment, storeName)
  }

  /** @throws GridError `record_damaged` */
  look(): EmbeddedDivision {
    const names = [...this.#file.checkpoints.getKeys()].filter(
      (logName) => spaceOf(logName) === this.#space,
    )
    const checkpoints = names.map((name) => [name, this.#file.checkpointOf(name)!] as const)
    return { checkpoints: new Map(checkpoints), move: this.#file.moveOf(this.#space) }
  }

  /**
   * Reads every entry, and says what has to be in each partition then.
   * @param from shapes of the logs that there are
   * @throws GridError `record_damaged`; `invalid_input` for an entry that does not say where it
   * belongs
   */
  count(from: ReadonlyMap<LogName, SpaceShape>, shape: SpaceShape, told: Told): CountedEntries {
    const { partitions: to = 1 } = shape
    const counts = new PartitionCounts(shape, to)
    const places = new EntryPlaces(shape)
    const found = new Map<LogName, PartitionCount>()
    const own = new Map<string, number>()
    let read = 0
    for (const [logName, its] of from) {
      const all = new PartitionCounts(its, 1)
      for (const { entry } of this.#entries(logName)) {
        const { cache, key, value, version, archived } = entry
        // What has left memory is moved, and counted by nobody.
        const place = isPlaced(cache) ? places.partitionOf(cache, key, value) : undefined
        if (!archived) all.add(0, cache, key, version)
        if (place !== undefined && !archived) counts.add(place, cache, key, version)
        // What says only that something has left memory has nobody to tell it to then.
        if (!isCarriedOver(cache) && cache !== archivedCache)
          own.set(cache, (own.get(cache) ?? 0) + 1)
        if (++read % stepEntries === 0) told(read)
      }
      found.set(logName, all.result()[0] as PartitionCount)
    }
    let forgotten = 0
    for (const group of this.#answers([...from.keys()]).values()) {
      const placed = placesOfAnswers(group, to)
      for (const [place, { cache, key, version }] of placed) counts.add(place, cache, key, version)
      const kept = new Set([...placed.values()].map(({ version }) => version))
      forgotten += new Set(group.map(({ version }) => version)).size - kept.size
    }
    return { counts: counts.result(), found, forgotten, own }
  }

  /**
   * Puts every entry where it belongs, in one step with the new checkpoints and a note of what is
   * left to do.
   * @throws GridError `store_unavailable` when the disk is full, for one: nothing has changed then
   */
  move(note: EmbeddedMoveNote, told: Told): void {
    const old = logNamesOf(this.#space, note.from)
    const names = logNamesOf(this.#space, note.to)
    for (const logName of [...old, ...names]) this.#file.entriesOf(logName)
    try {
      this.#file.root.transactionSync(() => {
        this.#rewrite(note, old, names, told)
        this.#check(note, names)
        for (const logName of old) this.#file.checkpoints.removeSync(logName)
        for (const at of names.keys()) this.#putCheckpoint(note, at, noIdentity)
        this.#file.moves.putSync(this.#space, sealed(note))
      })
    } catch (cause) {
      if (cause instanceof GridError) throw cause
      const { directory } = this.#environment
      throw new GridError(
        'store_unavailable',
        `Moving ${this.#space} in ${directory} failed, and nothing has been changed (${this.#environment.freeBytes()} bytes are free there)`,
        { cause },
      )
    }
  }

  /** The new logs are in place: the move has come to its end. */
  finish(note: EmbeddedMoveNote, identities: ReadonlyMap<LogName, string>): void {
    this.#file.root.transactionSync(() => {
      for (const [at, logName] of logNamesOf(this.#space, note.to).entries())
        this.#putCheckpoint(note, at, identities.get(logName) ?? noIdentity)
      this.#file.moves.removeSync(this.#space)
    })
  }

  async close(): Promise<void> {
    await this.#environment.closeFile(storeName)
  }

  #rewrite(
    { replicated, to }: EmbeddedMoveNote,
    old: readonly LogName[],
    names: readonly LogName[],
    told: Told,
  ): void {
    const { shape } = decodeHeader(replicated.slice())
    const places = new EntryPlaces(shape)
    const answers = this.#answers(old)
    let read = 0
    for (const logName of old) {
      const from = this.#file.entriesOf(logName)
      for (const { storedKey, bytes, entry } of this.#entries(logName)) {
        const { cache, key, value } = entry
        const place = isPlaced(cache) ? names[places.partitionOf(cache, key, value)] : undefined
        // What has been moved here already is in its place.
        if (place !== logName) {
          from.removeSync(storedKey)
          if (place !== undefined) this.#file.entriesOf(place).putSync(storedKey, bytes)
        }
        if (++read % stepEntries === 0) told(read)
      }
    }
    for (const group of answers.values())
      for (const [place, entry] of placesOfAnswers(group, to))
        this.#ofPlace(names, place).putSync(
          encodeEntryKey(entry.cache, entry.key),
          encodeEntry(entry),
        )
  }

  /** Reads all of it again. */
  #check({ counts, replicated, to }: EmbeddedMoveNote, names: readonly LogName[]): void {
    const { shape } = decodeHeader(replicated.slice())
    const found = new PartitionCounts(shape, to)
    for (const [at, logName] of names.entries())
      for (const { entry } of this.#entries(logName))
        if (!entry.archived) found.add(at, entry.cache, entry.key, entry.version)
    for (const [at, is] of found.result().entries()) {
      const { entries, digest } = counts[at] as PartitionCount
      if (is.entries !== entries || is.digest !== digest)
        throw new Error(`partition ${at} would have ${is.entries} entries, not ${entries}`)
    }
  }

  #putCheckpoint(
    { after, replicated, counts }: EmbeddedMoveNote,
    at: number,
    logIdentity: string,
  ): void {
    const names = logNamesOf(this.#space, counts.length)
    const { entries, digest } = counts[at] as PartitionCount
    const checkpoint = { position: after, logIdentity, digest, entries, replicated }
    this.#file.checkpoints.putSync(names[at] as LogName, encodeCheckpoint(checkpoint), after)
  }

  #ofPlace(names: readonly LogName[], place: number): Database<Buffer, Buffer> {
    return this.#file.entriesOf(names[place] as LogName)
  }

  /** All that are remembered under one key together. */
  #answers(logNames: readonly LogName[]): ReadonlyMap<string, readonly StoredEntry[]> {
    const groups = new Map<string, StoredEntry[]>()
    for (const logName of logNames)
      for (const { entry } of this.#entries(logName, encodeEntryKey(idempotencyCache, ''))) {
        if (entry.cache !== idempotencyCache) break
        const group = groups.get(entry.key)
        if (group) group.push(entry)
        else groups.set(entry.key, [entry])
      }
    return groups
  }

  /** In steps: what has been read may be changed while it is worked through. */
  *#entries(logName: LogName, start?: Buffer): Generator<Located, void> {
    const entries = this.#file.entriesOf(logName)
    let last: Buffer | undefined
    for (;;) {
      const range = entries.getRange({
        limit: stepEntries,
        ...(last ? { start: last, exclusiveStart: true } : start ? { start } : {}),
      })
      const step = Array.from(range, ({ key: storedKey, value: bytes }) => {
        const { cache, key } = decodeEntryKey(storedKey)
        return { logName, storedKey, bytes, entry: readStored(cache, key, bytes) }
      })
      yield* step
      if (step.length < stepEntries) return
      last = step.at(-1)?.storedKey
    }
  }
}
