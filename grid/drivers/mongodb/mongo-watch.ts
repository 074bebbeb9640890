import type { ChangeStream, Db } from 'mongodb'
import type { LogName } from '../../core/log-name.ts'
import { type Clock, sleep } from '../../engine/ports/clock.ts'
import type { ForeignChange, StoreWatch } from '../../engine/ports/store.ts'
import { checkpointsName } from './mongo-checkpoint.ts'
import { keyOf } from './mongo-document.ts'

/** What is wanted of a change event. */
interface Seen {
  readonly operationType: string
  readonly ns?: { readonly coll?: string }
  readonly documentKey?: { readonly _id: unknown }
}

const retryMs = 5000

/**
 * Watches a space's collections for writes that are not the grid's own. The grid writes in
 * transactions only, so whatever is written outside of one is somebody else's; the server passes
 * over the rest by itself. Somebody else's transactions are not seen here: the audit finds what
 * they did.
 */
export class MongoWatch implements StoreWatch {
  readonly #database: Db
  readonly #logName: LogName
  readonly #clock: Clock
  readonly #changed: (change: ForeignChange) => void
  readonly #stopping = new AbortController()
  readonly #watching: Promise<void>
  #stream: ChangeStream | undefined

  constructor(
    database: Db,
    logName: LogName,
    clock: Clock,
    changed: (change: ForeignChange) => void,
    connect: () => Promise<unknown>,
  ) {
    this.#database = database
    this.#logName = logName
    this.#clock = clock
    this.#changed = changed
    this.#watching = this.#watch(connect)
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
      await this.#stream?.close().catch(() => undefined)
      await sleep(this.#clock, retryMs, signal)
    }
  }

  async #follow(): Promise<void> {
    const collections = new RegExp(`^${this.#logName}\\.`)
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
    this.#changed({ what: 'unknown' })
    for await (const seen of stream) this.#tell(seen as Seen)
  }

  #tell({ operationType, ns, documentKey }: Seen): void {
    const collection = ns?.coll
    if (collection === checkpointsName) {
      if (operationType === 'drop' || documentKey?._id === this.#logName)
        this.#changed({ what: 'checkpoint' })
    } else if (collection === undefined) this.#changed({ what: 'unknown' })
    else if (collection.startsWith(`${this.#logName}.`)) {
      const cache = collection.slice(this.#logName.length + 1)
      if (documentKey) this.#changed({ what: 'entry', cache, key: keyOf(documentKey._id) })
      else this.#changed({ what: 'cache', cache })
    }
  }
}
