import { GridError } from '../core/errors.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type { LogBounds, LogRecord } from '../engine/ports/log.ts'

export interface SimulatedStreamOptions {
  /** Identity of the log; a replaced one gets a suffix. Default `simulated`. */
  readonly identity?: string
}

/**
 * What a log server holds, without any network: everything happens at once and nothing fails,
 * except as a test demands. Any number of `SimulatedLog`s share one stream, as processes share a
 * log.
 */
export class SimulatedStream {
  /** While true, appends fail with `log_full`. */
  full = false
  readonly #clock: Clock
  readonly #identity: string
  readonly #watchers = new Set<() => void>()
  #incarnation = 1
  #first = 1
  readonly #records: LogRecord[] = []
  #bytes = 0

  constructor(clock: Clock, options: SimulatedStreamOptions = {}) {
    this.#clock = clock
    this.#identity = options.identity ?? 'simulated'
  }

  get first(): number {
    return this.#first
  }

  get last(): number {
    return this.#first + this.#records.length - 1
  }

  get identity(): string {
    return this.#incarnation === 1 ? this.#identity : `${this.#identity}#${this.#incarnation}`
  }

  bounds(): LogBounds {
    const { identity, first, last } = this
    return { identity, first, last, bytes: this.#bytes }
  }

  read(position: number): LogRecord | undefined {
    return this.#records[position - this.#first]
  }

  /** @throws GridError `log_full`, `fenced` */
  append(data: Uint8Array, expectedLast?: number): number {
    if (this.full) throw new GridError('log_full', 'The simulated log has been filled')
    if (expectedLast !== undefined && expectedLast !== this.last)
      throw new GridError('fenced', `The last position is ${this.last}, not ${expectedLast}`)
    const position = this.last + 1
    this.#records.push({ position, time: this.#clock.now(), data: new Uint8Array(data) })
    this.#bytes += data.length
    this.#changed()
    return position
  }

  trim(position: number): void {
    const dropped = Math.min(position, this.last + 1) - this.#first
    if (dropped <= 0) return
    this.#forget(this.#records.splice(0, dropped))
    this.#first += dropped
    this.#changed()
  }

  /** Deletes the log and creates it again, empty, as an operator's mistake would. */
  replace(): void {
    this.#incarnation++
    this.#forget(this.#records.splice(0))
    this.#first = 1
    this.#changed()
  }

  /** Loses what came last, as a server whose disk was not synchronized when the power failed. */
  loseTail(count: number): void {
    this.#forget(this.#records.splice(Math.max(0, this.#records.length - count)))
    this.#changed()
  }

  /** Calls `watcher` whenever something has changed. Returns what ends that. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  #forget(records: readonly LogRecord[]): void {
    for (const { data } of records) this.#bytes -= data.length
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher()
  }
}
