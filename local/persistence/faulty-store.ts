import type { SeededRandom } from '@spacegrid/grid/adapters/simulated/seeded-random'
import { GridError } from '@spacegrid/grid/errors'
import { type Clock, sleep } from '@spacegrid/grid/ports/clock'
import type {
  Checkpoint,
  Store,
  StoredChange,
  StoredEntry,
  StoreScan,
} from '@spacegrid/grid/ports/store'

export interface StoreFaults {
  /** Longest time that an operation takes, in ms. */
  delayMsMax: number
  /** Probability that an operation fails, half of the time after it has taken effect. */
  failure: number
}

/** One process's connection to a store: slow, unreliable, and gone when its process is. */
export class FaultyStore implements Store {
  readonly #store: Store
  readonly #clock: Clock
  readonly #random: SeededRandom
  readonly #faults: StoreFaults
  #cut = false

  constructor(store: Store, clock: Clock, random: SeededRandom, faults: StoreFaults) {
    this.#store = store
    this.#clock = clock
    this.#random = random
    this.#faults = faults
  }

  /** What has been asked already may still happen; its outcome reaches nobody. */
  cut(): void {
    this.#cut = true
  }

  checkpoint(space: string): Promise<Checkpoint | undefined> {
    return this.#run(() => this.#store.checkpoint(space))
  }

  apply(
    space: string,
    from: number,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void> {
    return this.#run(() => this.#store.apply(space, from, next, changes))
  }

  async scan(space: string): Promise<StoreScan | undefined> {
    const scan = await this.#run(() => this.#store.scan(space))
    if (!scan) return undefined
    const chunks = () => this.#chunks(scan)
    return {
      start: scan.start,
      chunks,
      end: () => this.#run(() => scan.end()),
      close: () => scan.close(),
    }
  }

  get(space: string, cache: string, key: string): Promise<StoredEntry | undefined> {
    return this.#run(() => this.#store.get(space, cache, key))
  }

  clear(space: string): Promise<void> {
    return this.#run(() => this.#store.clear(space))
  }

  async close(): Promise<void> {
    this.#cut = true
  }

  async *#chunks(scan: StoreScan): AsyncGenerator<StoredEntry[], void> {
    for await (const chunk of scan.chunks()) {
      yield chunk
      await this.#run(async () => undefined)
    }
  }

  async #run<T>(operation: () => Promise<T>): Promise<T> {
    const { delayMsMax, failure } = this.#faults
    const fails = this.#random.chance(failure)
    const isDone = !fails || this.#random.chance(0.5)
    if (this.#cut) throw unavailable()
    await sleep(this.#clock, this.#random.below(delayMsMax + 1))
    const result = isDone ? await operation() : undefined
    await sleep(this.#clock, this.#random.below(delayMsMax + 1))
    if (fails || this.#cut) throw unavailable()
    return result as T
  }
}

const unavailable = () => new GridError('store_unavailable', 'The store does not answer')
