import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type {
  Checkpoint,
  ForeignChange,
  Quarantine,
  ScanOptions,
  Store,
  StoredChange,
  StoredEntry,
  StoreScan,
  StoreWatch,
} from '@spacegrid/grid/engine/ports/store'
import type { Host } from '@spacegrid/grid/kit/host'
import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { Coverage } from './coverage.ts'

/** How a store behaves to everybody. */
export interface StoreFaults {
  /** Longest time that a request or its answer takes, in ms. */
  delayMsMax: number
  /** Probability that an operation fails, half of the time after it has taken effect. */
  failure: number
}

/** A host's connection to a store: slow, unreliable, and gone when its host is. */
export class HostStore implements Store {
  readonly quarantine?: Quarantine
  readonly #host: Host
  readonly #store: Store
  readonly #clock: Clock
  readonly #random: SeededRandom
  readonly #faults: StoreFaults
  readonly #coverage: Coverage
  #cut = false

  constructor(
    host: Host,
    store: Store,
    clock: Clock,
    random: SeededRandom,
    faults: StoreFaults,
    coverage: Coverage,
  ) {
    this.#coverage = coverage
    this.#host = host
    const { quarantine } = store
    if (quarantine)
      this.quarantine = {
        list: (logName) => this.#ask(() => quarantine.list(logName)),
        replay: (logName, keys) => this.#ask(() => quarantine.replay(logName, keys)),
      }
    this.#store = store
    this.#clock = clock
    this.#random = random
    this.#faults = faults
  }

  cut(): void {
    this.#cut = true
  }

  heal(): void {
    this.#cut = false
  }

  watch(logName: LogName, changed: (change: ForeignChange) => void): StoreWatch {
    return this.#store.watch?.(logName, changed) ?? { stop: async () => undefined }
  }

  restore(logName: LogName, known: Checkpoint): Promise<void> {
    return this.#ask(async () => await this.#store.restore?.(logName, known))
  }

  checkpoint(logName: LogName): Promise<Checkpoint | undefined> {
    return this.#ask(() => this.#store.checkpoint(logName))
  }

  apply(
    logName: LogName,
    from: number,
    next: Checkpoint,
    changes: readonly StoredChange[],
  ): Promise<void> {
    return this.#ask(() => this.#store.apply(logName, from, next, changes))
  }

  async scan(logName: LogName, options: ScanOptions = {}): Promise<StoreScan | undefined> {
    const scan = await this.#ask(() => this.#store.scan(logName, options))
    if (!scan) return undefined
    return {
      start: scan.start,
      chunks: () => this.#chunks(scan),
      end: async () => {
        const end = await this.#ask(() => scan.end())
        this.#coverage.count(
          end.position > scan.start.position ? 'scans: of a store in motion' : 'scans',
        )
        return end
      },
      close: () => scan.close(),
    }
  }

  get(logName: LogName, cache: string, key: string): Promise<StoredEntry | undefined> {
    return this.#ask(() => this.#store.get(logName, cache, key))
  }

  clear(logName: LogName): Promise<void> {
    return this.#ask(() => this.#store.clear(logName))
  }

  async close(): Promise<void> {
    this.#cut = true
  }

  async *#chunks(scan: StoreScan): AsyncGenerator<StoredEntry[], void> {
    for await (const chunk of scan.chunks()) {
      await this.#ask(async () => undefined)
      yield chunk
    }
  }

  #ask<T>(operation: () => Promise<T>): Promise<T> {
    if (!this.#host.acts()) return new Promise(() => undefined)
    return this.#host.settle(this.#run(operation))
  }

  /** Runs in the world: what has been asked happens, whatever becomes of who asked. */
  async #run<T>(operation: () => Promise<T>): Promise<T> {
    const { delayMsMax, failure } = this.#faults
    const fails = this.#random.chance(failure)
    const isDone = !fails || this.#random.chance(0.5)
    await sleep(this.#clock, this.#random.below(delayMsMax + 1))
    if (this.#cut) throw unavailable()
    const result = isDone ? await operation() : undefined
    await sleep(this.#clock, this.#random.below(delayMsMax + 1))
    if (fails || this.#cut) throw unavailable()
    return result as T
  }
}

const unavailable = () => new GridError('store_unavailable', 'The store does not answer')
