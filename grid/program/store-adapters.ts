import { MongoStore } from '../drivers/mongodb/mongo-store.ts'
import { RedisImage } from '../drivers/redis/redis-image.ts'
import { sharedLimits } from '../engine/memory/memory-limits.ts'
import type { Store } from '../engine/ports/store.ts'
import type { Environment } from './environment.ts'
import type { ProcessAdapters } from './process-adapters.ts'

/**
 * The stores of one process; what nobody asks for is never opened. Apart from the other adapters,
 * so that processing units, which have nothing to do with a store, do not load its drivers: that is
 * a fifth of the time in which they start.
 */
export class StoreAdapters {
  readonly #environment: Environment
  readonly #process: ProcessAdapters
  #store: MongoStore | undefined
  #image: RedisImage | undefined

  /** They are closed with those of the process. */
  constructor(environment: Environment, process: ProcessAdapters) {
    this.#environment = environment
    this.#process = process
  }

  /** Only for programs that need `MONGODB_URL`. */
  get store(): Store {
    const { MONGODB_URL = '', MONGODB_DB: database } = this.#environment
    const { clock, limits, partitionsMost } = this.#process
    const { scanBytesMax } = sharedLimits(limits, partitionsMost)
    this.#store ??= this.#process.closedLater(
      new MongoStore(MONGODB_URL, clock, { database, scanBytesMax }),
    )
    return this.#store
  }

  /** Without `REDIS_URL` there is no warm image. */
  get image(): { readonly image?: Store } {
    const { REDIS_URL } = this.#environment
    if (REDIS_URL === undefined) return {}
    const { clock, limits } = this.#process
    this.#image ??= this.#process.closedLater(
      new RedisImage(REDIS_URL, clock, { scanEntries: limits.scanEntriesMax }),
    )
    return { image: this.#image }
  }
}
