import { GridError, isGridError } from '../../core/errors.ts'
import { type Clock, sleep } from '../ports/clock.ts'

const retryMsMin = 50
const retryMsMax = 5000
/** What is under way when a component stops may finish within this time. */
const graceMs = 3000

/**
 * One incarnation of a component. Everything it does hangs on `signal`, which aborts when the
 * component stops or when the incarnation has to end because what it knows no longer fits the
 * world; nothing of it goes on afterwards.
 */
export class Life {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly #ending = new AbortController()
  /** Whoever is stopped later need not know of it any more. */
  readonly #forget: () => void
  readonly #repeated: Promise<void>[] = []
  #failure: Error | undefined
  #problem: string | undefined
  #worked = false

  constructor(clock: Clock, stopping: AbortSignal) {
    this.clock = clock
    this.signal = this.#ending.signal
    // Not AbortSignal.any: Node keeps such a signal, and all that listens to it, until it is
    // aborted.
    const stop = () => this.#ending.abort(stopping.reason)
    if (stopping.aborted) stop()
    else stopping.addEventListener('abort', stop, { once: true })
    this.#forget = () => stopping.removeEventListener('abort', stop)
  }

  /** Why it ended before the component was stopped. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** What keeps it from its work just now. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Whether it got as far as doing its work. */
  get worked(): boolean {
    return this.#worked
  }

  /** It does its work from now on: what ended the life before is history. */
  works(): void {
    this.#worked = true
  }

  end(failure?: Error): void {
    this.#failure ??= failure
    this.#forget()
    this.#ending.abort()
  }

  /** Ends, and waits for everything that was repeated. */
  async over(): Promise<void> {
    this.end()
    await Promise.all(this.#repeated)
  }

  async sleep(ms: number): Promise<void> {
    await sleep(this.clock, ms, this.signal)
  }

  /**
   * Runs again and again, `ms` after it has finished. A GridError passes: the world may be better
   * next time.
   */
  repeat(ms: number, run: () => Promise<void> | void): void {
    const repeat = async () => {
      while (!this.signal.aborted) {
        try {
          await this.finish(async () => await run())
        } catch (error) {
          if (!isGridError(error)) this.end(error as Error)
        }
        await this.sleep(ms)
      }
    }
    this.#repeated.push(repeat())
  }

  /**
   * Tries until it succeeds, ever more patiently. Only GridErrors are waited out, and those not
   * that `isFinal` names.
   * @throws GridError `stopping` when the incarnation ends, what `isFinal` names, and our own bugs
   */
  async until<T>(
    attempt: () => Promise<T>,
    isFinal: (error: GridError) => boolean = () => false,
  ): Promise<T> {
    for (let pauseMs = retryMsMin; ; pauseMs = Math.min(pauseMs * 2, retryMsMax)) {
      this.#throwIfEnded()
      try {
        const result = await this.finish(attempt)
        this.#problem = undefined
        return result
      } catch (error) {
        // Whoever asked knows what to do about this one: it keeps nothing from its work.
        this.#problem = undefined
        if (!isGridError(error) || isFinal(error)) throw error
        this.#problem = error.message
      }
      await this.sleep(pauseMs)
    }
  }

  /** Waits for what is under way, but not much longer than the incarnation lives. */
  async finish<T>(attempt: () => Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    late.catch(() => undefined)
    const ended = () => void this.clock.after(graceMs, () => reject(stopping()))
    this.signal.addEventListener('abort', ended, { once: true })
    try {
      const work = attempt()
      // Whatever comes of it after the grace is of no use to anybody.
      work.catch(() => undefined)
      return await Promise.race([work, late])
    } finally {
      this.signal.removeEventListener('abort', ended)
    }
  }

  #throwIfEnded(): void {
    if (this.signal.aborted) throw stopping()
  }
}

const stopping = () => new GridError('stopping', 'The component is stopping')
