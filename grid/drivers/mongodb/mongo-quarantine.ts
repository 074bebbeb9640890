import { Binary, type ClientSession, type Collection, type Db, ObjectId } from 'mongodb'
import type { LogName } from '../../core/log-name.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type {
  EntryKey,
  QuarantinedEntry,
  QuarantineSummary,
  StoredEntry,
} from '../../engine/ports/store.ts'
import { decodeEntry, encodeEntry } from '../../engine/wire/entry-codec.ts'
import { ofSnapshot } from './mongo-scan.ts'
import type { RefusedChange } from './mongo-sieve.ts'

/** What a checkpoint says of its space's quarantine; absent: there is nothing in it. */
export interface QuarantineMark {
  /** Replaced whenever an entry comes or leaves. */
  readonly revision: ObjectId
  readonly count: number
  /** The first of them, for people: `cache/key`. */
  readonly names: readonly string[]
}

export interface QuarantineDocument {
  /** `space/cache/key`. */
  readonly _id: string
  /** The name of the log. */
  readonly space: LogName
  readonly cache: string
  readonly key: string
  readonly code?: number
  readonly reason: string
  readonly firstPosition: number
  readonly position: number
  readonly version: number
  readonly versions: number
  readonly bytes: number
  readonly since: Date
  /**
   * The newest value in MessagePack, for as BSON it may be what is refused; what is beyond
   * `pieceBytes` is in `grid.quarantine.pieces`.
   */
  readonly value: Binary
}

interface PieceDocument {
  readonly _id: ObjectId
  readonly of: string
  readonly piece: number
  readonly bytes: Binary
}

/** Left out: as the server has it, and others change it, meanwhile. */
interface ReadOptions {
  readonly session?: ClientSession
  readonly readConcern?: { readonly level: 'majority' | 'snapshot' }
}

/** Who is in quarantine, as of one revision. */
export interface Quarantined {
  /** Hexadecimal; '': nothing is in quarantine. */
  readonly revision: string
  /** `_id`s, the oldest first. */
  readonly ids: ReadonlySet<string>
}

export const quarantineName = 'grid.quarantine'
export const piecesName = 'grid.quarantine.pieces'
const pieceBytes = 8 * 1024 * 1024
const namesMax = 100
/** Large enough to make the way cheap. */
const chunkBytesMax = 1024 * 1024
const portionMax = 1000
const noOne: Quarantined = { revision: '', ids: new Set() }

/** No name of a space or a cache has a slash in it. */
export const quarantineId = (logName: LogName, { cache, key }: EntryKey): string =>
  `${logName}/${cache}/${key}`

/**
 * The collection `grid.quarantine`. It changes in the transaction that moves the checkpoint, and
 * with the checkpoint's mark, so that at any instant the three fit together: who knows the members
 * of a revision need not look again while the checkpoint names the same one.
 */
export class MongoQuarantine {
  readonly #documents: Collection<QuarantineDocument>
  readonly #pieces: Collection<PieceDocument>
  readonly #database: Db
  readonly #clock: Clock
  readonly #known = new Map<string, Quarantined>()
  #isPrepared = false

  constructor(database: Db, clock: Clock) {
    this.#database = database
    this.#documents = database.collection(quarantineName)
    this.#pieces = database.collection(piecesName)
    this.#clock = clock
  }

  /** The members when they were looked at last; `forget` makes it look again. */
  async known(logName: LogName, readMark: () => Promise<QuarantineMark | undefined>) {
    let known = this.#known.get(logName)
    if (!known) {
      // In this order: if members come or leave in between, the checkpoint has another revision by
      // then.
      const revision = revisionOf(await readMark())
      known = revision === '' ? noOne : { revision, ids: await this.#readIds(logName) }
      this.#known.set(logName, known)
    }
    return known
  }

  forget(logName: LogName): void {
    this.#known.delete(logName)
  }

  remember(logName: LogName, known: Quarantined): void {
    this.#known.set(logName, known)
  }

  /** Collections and the index cannot be made within a transaction. */
  async prepare(): Promise<void> {
    if (this.#isPrepared) return
    await this.#pieces.createIndex({ of: 1 })
    await this.#documents.createIndex({ space: 1, firstPosition: 1 })
    this.#isPrepared = true
  }

  /**
   * Takes those who are refused in, and lets go those who are not any more. Returns the members
   * from now on; they differ from `known` when the checkpoint has to get another mark.
   */
  async update(
    logName: LogName,
    known: Quarantined,
    refused: readonly RefusedChange[],
    released: readonly EntryKey[],
    session: ClientSession,
    isReplay: boolean,
  ): Promise<Quarantined> {
    const leaving = released.map((entry) => quarantineId(logName, entry))
    await this.#remove(leaving, session)
    if (refused.length > 0) await this.#put(logName, refused, session, isReplay)
    const joining = refused
      .map(({ change }) => quarantineId(logName, change))
      .filter((id) => !known.ids.has(id))
    if (leaving.length === 0 && joining.length === 0) return known
    const ids = new Set(known.ids)
    for (const id of leaving) ids.delete(id)
    for (const id of joining) ids.add(id)
    return ids.size === 0 ? noOne : { revision: new ObjectId().toHexString(), ids }
  }

  async list(logName: LogName, session?: ClientSession): Promise<QuarantinedEntry[]> {
    const found = this.#documents.find(
      { space: logName },
      {
        projection: { value: 0 },
        sort: { firstPosition: 1, _id: 1 },
        ...(session ? { session } : durable()),
      },
    )
    const entries: QuarantinedEntry[] = []
    for await (const document of found) entries.push(toQuarantined(document))
    return entries
  }

  async get(logName: LogName, entry: EntryKey): Promise<StoredEntry | undefined> {
    const document = await this.#documents.findOne({ _id: quarantineId(logName, entry) }, durable())
    if (!document) return undefined
    if (isWhole(document)) return toEntry(document, [])
    // Document and pieces have to be of one version.
    return await this.#database.client.withSession({ snapshot: true }, async (session) => {
      for await (const [first] of this.chunks(logName, ofSnapshot(session), [document._id]))
        return first
      return undefined
    })
  }

  /**
   * Entries, large ones alone, as `options` sees them: a snapshot, or a transaction. `ids`: only
   * these.
   */
  async *chunks(
    logName: LogName,
    options: ReadOptions,
    ids?: readonly string[],
  ): AsyncGenerator<StoredEntry[], void> {
    const filter = ids ? { _id: { $in: ids } } : { space: logName }
    const documents = this.#documents.find(filter, { ...options })
    let chunk: StoredEntry[] = []
    let bytes = 0
    for await (const document of documents) {
      if (bytes > 0 && bytes + document.bytes > chunkBytesMax) {
        yield chunk
        chunk = []
        bytes = 0
      }
      const pieces = isWhole(document) ? [] : await this.#piecesOf(document._id, options)
      chunk.push(toEntry(document, pieces))
      bytes += document.bytes
    }
    if (chunk.length > 0) yield chunk
  }

  /** A mark for a checkpoint that has lost its own; undefined: nothing is in quarantine. */
  async newMark(logName: LogName, session: ClientSession): Promise<QuarantineMark | undefined> {
    const ids = await this.#readIds(logName, { session })
    if (ids.size === 0) return undefined
    return markOf(logName, { revision: new ObjectId().toHexString(), ids })
  }

  async keysIn(logName: LogName, options: ReadOptions): Promise<ReadonlySet<string>> {
    const ids = await this.#readIds(logName, options)
    return new Set([...ids].map((id) => id.slice(logName.length + 1)))
  }

  async clear(logName: LogName, session?: ClientSession): Promise<void> {
    this.forget(logName)
    const ids = [...(await this.#readIds(logName, session ? { session } : {}))]
    await this.#remove(ids, session)
  }

  async #readIds(logName: LogName, options: ReadOptions = {}): Promise<Set<string>> {
    const ids = new Set<string>()
    const found = this.#documents.find(
      { space: logName },
      { projection: { _id: 1 }, sort: { firstPosition: 1, _id: 1 }, ...options },
    )
    for await (const { _id } of found) ids.add(_id)
    return ids
  }

  async #remove(ids: readonly string[], session: ClientSession | undefined): Promise<void> {
    if (ids.length === 0) return
    const options = session ? { session } : {}
    await this.#documents.deleteMany({ _id: { $in: ids } }, options)
    await this.#pieces.deleteMany({ of: { $in: ids } }, options)
  }

  async #put(
    logName: LogName,
    refused: readonly RefusedChange[],
    session: ClientSession,
    isReplay: boolean,
  ): Promise<void> {
    const ids = refused.map(({ change }) => quarantineId(logName, change))
    await this.#pieces.deleteMany({ of: { $in: ids } }, { session })
    for (const some of inPortions(refused.map((one) => packed(logName, one)))) {
      await this.#documents.bulkWrite(
        some.map(({ _id, fields, code, position }) => ({
          updateOne: {
            filter: { _id },
            update: {
              $set: fields,
              ...(code === undefined ? { $unset: { code: true } } : {}),
              $setOnInsert: { firstPosition: position, since: new Date(this.#clock.now()) },
              // The same version once more is no other version.
              $inc: { versions: isReplay ? 0 : 1 },
            },
            upsert: true,
          },
        })),
        { session },
      )
      const pieces = some.flatMap(({ _id, pieces }) =>
        pieces.map((bytes, at) => ({ _id: new ObjectId(), of: _id, piece: at + 1, bytes })),
      )
      if (pieces.length > 0) await this.#pieces.insertMany(pieces, { session })
    }
  }

  async #piecesOf(id: string, options: ReadOptions): Promise<Binary[]> {
    const pieces = this.#pieces.find({ of: id }, { ...options, sort: { piece: 1 } })
    return await pieces.map(({ bytes }) => bytes).toArray()
  }
}

/** A refused entry as it is stored. */
interface PackedRefusal {
  readonly _id: string
  readonly fields: Partial<QuarantineDocument>
  readonly code: number | undefined
  readonly position: number
  readonly pieces: readonly Binary[]
}

function packed(logName: LogName, { change, code, reason }: RefusedChange): PackedRefusal {
  const { cache, key, value, version, position, archived } = change
  if (!value) throw new Error('a deletion is never refused')
  const entry = { cache, key, value, version, position }
  const bytes = encodeEntry(archived ? { ...entry, archived } : entry)
  const [first = new Binary(), ...pieces] = Array.from(
    { length: Math.ceil(bytes.length / pieceBytes) },
    (_, at) => new Binary(bytes.subarray(at * pieceBytes, (at + 1) * pieceBytes)),
  )
  const fields = {
    ...{ space: logName, cache, key, reason, position, version, value: first, bytes: bytes.length },
    ...(code === undefined ? {} : { code }),
  }
  return { _id: quarantineId(logName, change), fields, code, position, pieces }
}

/** As much as is sent at once. */
function inPortions(packed: readonly PackedRefusal[]): PackedRefusal[][] {
  const portions: PackedRefusal[][] = []
  let bytes = 0
  for (const one of packed) {
    const last = portions.at(-1)
    bytes += one.fields.bytes ?? 0
    if (last && bytes <= chunkBytesMax && last.length < portionMax) last.push(one)
    else {
      portions.push([one])
      bytes = one.fields.bytes ?? 0
    }
  }
  return portions
}

export const revisionOf = (mark: QuarantineMark | undefined): string =>
  mark?.revision.toHexString() ?? ''

/** undefined: the checkpoint has no mark. */
export function markOf(
  logName: LogName,
  { revision, ids }: Quarantined,
): QuarantineMark | undefined {
  if (revision === '') return undefined
  const names = [...ids].slice(0, namesMax).map((id) => id.slice(logName.length + 1))
  return { revision: new ObjectId(revision), count: ids.size, names }
}

export const toSummary = ({ revision, count, names }: QuarantineMark): QuarantineSummary => ({
  revision: revision.toHexString(),
  count,
  names,
})

const isWhole = ({ bytes, value }: QuarantineDocument): boolean => bytes <= value.length()

function toEntry(document: QuarantineDocument, pieces: readonly Binary[]): StoredEntry {
  const { cache, key, value } = document
  const bytes = Buffer.concat([value, ...pieces].map((piece) => piece.value()))
  return decodeEntry(cache, key, bytes)
}

/**
 * Nothing that a change of primary could take back. Made anew each time, for the driver writes into
 * it.
 */
const durable = () => ({ readConcern: { level: 'majority' as const } })

function toQuarantined(document: Omit<QuarantineDocument, 'value'>): QuarantinedEntry {
  const { cache, key, reason, firstPosition, position, version, versions, bytes } = document
  const since = document.since.getTime()
  const rest = { reason, firstPosition, position, version, versions, bytes, since }
  return { cache, key, code: document.code, ...rest }
}
