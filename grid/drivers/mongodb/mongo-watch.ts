import type { ChangeStream, Db } from 'mongodb'
import type { LogName } from '../../core/log-name.ts'
import { type Clock, sleep } from '../../engine/ports/clock.ts'
import type { ForeignChange, StoreWatch } from '../../engine/ports/store.ts'
import { collectionName, shareOf } from './cache-documents.ts'
import { checkpointsName } from './mongo-checkpoint.ts'
import { keyOf } from './mongo-document.ts'

/** What is wanted of a change event. */
interface Seen {
  readonly operationType: string
  readonly ns?: { readonly coll?: string }
  readonly documentKey?: { readonly _id: unknown }
}

const retryMs = 5000

/** Somebody who wants to know what happens to one log's documents. */
interface Listener {
  readonly logName: LogName
  readonly changed: (change: ForeignChange) => void
}

/**
 * Watches a space's collections for writes that are not the grid's own. The grid writes in
 * transactions only, so whatever is written outside of one is somebody else's; the server passes
 * over the rest by itself. Somebody else's transactions are not seen here: the audit finds what
 * they did. Of a divided space every partition is told of a document: whose it was before is not
 * known.
 */
export class MongoWatch {
  readonly #database: Db
  readonly #space: string
  readonly #clock: Clock
  readonly #listeners = new Set<Listener>()
  readonly #stopping = new AbortController()
  readonly #watching: Promise<void>
  #stream: ChangeStream | undefined
  /** What happens from now on is seen. */
  #isOpen = false

  constructor(database: Db, space: string, clock: Clock, connect: () => Promise<unknown>) {
    this.#database = database
    this.#space = space
    this.#clock = clock
    this.#watching = this.#watch(connect)
  }

  /** `unheard` is called when nobody listens any more, before the watch stops. */
  listen(
    logName: LogName,
    changed: (change: ForeignChange) => void,
    unheard: () => void,
  ): StoreWatch {
    const listener = { logName, changed }
    this.#listeners.add(listener)
    if (this.#isOpen) changed({ what: 'unknown' })
    return {
      stop: async () => {
        if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return
        unheard()
        await this.stop()
      },
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#stream?.close().catch(() => undefined)
    await this.#watching
  }

  async #watch(connect: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await connect()
        await this.#follow()
      } catch {
        // MongoDB is away, does not let us watch, or no longer has what came since; or it is a bug
        // of ours. What was missed may be anything, and is looked for when watching begins anew.
      }
      this.#isOpen = false
      await this.#stream?.close().catch(() => undefined)
      await sleep(this.#clock, retryMs, signal)
    }
  }

  async #follow(): Promise<void> {
    const collections = new RegExp(`^${this.#space}\\.`)
    const stream = this.#database.watch(
      [
        {
          $match: {
            $or: [
              { operationType: { $in: ['drop', 'rename', 'dropDatabase', 'invalidate'] } },
              {
                operationType: { $in: ['insert', 'update', 'replace', 'delete'] },
                'ns.coll': { $in: [collections, checkpointsName] },
              },
            ],
          },
        },
        // Asked for as it is, the server would look it up in its own log, where single writes have
        // a number as well.
        {
          $project: {
            ...{ operationType: 1, ns: 1, documentKey: 1 },
            transaction: { $ifNull: ['$txnNumber', 'none'] },
          },
        },
        { $match: { transaction: 'none' } },
      ],
      { readConcern: { level: 'majority' } },
    )
    this.#stream = stream
    if (this.#stopping.signal.aborted) return
    // The cursor is open when it has been asked once: what comes from now on is seen.
    await stream.tryNext().then((seen) => seen && this.#tell(seen as Seen))
    this.#isOpen = true
    for (const { changed } of this.#listeners) changed({ what: 'unknown' })
    for await (const seen of stream) this.#tell(seen as Seen)
  }

  #tell(seen: Seen): void {
    for (const { logName, changed } of this.#listeners) {
      const change = this.#changeOf(seen, logName)
      if (change) changed(change)
    }
  }

  #changeOf({ operationType, ns, documentKey }: Seen, logName: LogName): ForeignChange | undefined {
    const collection = ns?.coll
    if (collection === undefined) return { what: 'unknown' }
    if (collection === checkpointsName)
      return operationType === 'drop' || documentKey?._id === logName
        ? { what: 'checkpoint' }
        : undefined
    const before = collectionName(logName, '')
    if (!collection.startsWith(before)) return undefined
    const cache = collection.slice(before.length)
    if (!documentKey) return { what: 'cache', cache }
    return { what: 'entry', cache, key: keyOf(documentKey._id, shareOf(logName, cache)) }
  }
}
