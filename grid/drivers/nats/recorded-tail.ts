import type { Log, LogListener, LogRecord, LogTail } from '../../engine/ports/log.ts'

/** What a test waits for has happened by then, even on a busy machine. */
const patienceMs = 30_000

/** For tests: a tail together with everything its listener was told. */
export class RecordedTail implements LogListener {
  readonly records: LogRecord[] = []
  readonly connections: boolean[] = []
  error: Error | undefined
  readonly #tail: LogTail
  readonly #waiting = new Set<() => void>()

  constructor(log: Log, after: number) {
    this.#tail = log.tail(after, this)
  }

  record(record: LogRecord): void {
    this.records.push(record)
    this.#told()
  }

  connected(connected: boolean): void {
    this.connections.push(connected)
    this.#told()
  }

  broken(error: Error): void {
    this.error = error
    this.#told()
  }

  get positions(): number[] {
    return this.records.map(({ position }) => position)
  }

  get texts(): string[] {
    return this.records.map(({ data }) => Buffer.from(data).toString())
  }

  async untilConnected(connected = true): Promise<void> {
    const isSo = () => this.connections.at(-1) === connected || undefined
    await this.#until(`connected(${connected})`, isSo)
  }

  async untilPosition(position: number): Promise<void> {
    await this.#until(`position ${position}`, () => {
      const last = this.records.at(-1)
      return last !== undefined && last.position >= position ? last : undefined
    })
  }

  untilBroken(): Promise<Error> {
    return this.#until('the tail to break', () => this.error)
  }

  stop(): Promise<void> {
    return this.#tail.stop()
  }

  /** Looks each time the listener is told something. */
  #until<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = look()
        if (found === undefined) return
        clearTimeout(timer)
        this.#waiting.delete(check)
        resolve(found)
      }
      const giveUp = () => {
        this.#waiting.delete(check)
        reject(new Error(`Gave up waiting for ${what} after ${patienceMs} ms`))
      }
      const timer = setTimeout(giveUp, patienceMs)
      this.#waiting.add(check)
      check()
    })
  }

  #told(): void {
    for (const check of [...this.#waiting]) check()
  }
}
