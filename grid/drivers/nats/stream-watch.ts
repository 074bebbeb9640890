/**
 * Told when the settings of a stream no longer let it be a log, and why; with nothing once they do
 * again.
 */
export type FitnessListener = (unfit: string | undefined) => void

/**
 * Looks at the settings of a stream from time to time, since an operator may change them while
 * everything runs: a stream that drops records by itself loses what was acknowledged, and nobody
 * who only reads its end notices. A look that fails says nothing: whoever needs the server at that
 * moment is told so.
 */
export class StreamWatch {
  readonly #look: () => Promise<string | undefined>
  readonly #timer: NodeJS.Timeout
  readonly #listener: FitnessListener
  #looking = false
  #stopped = false
  #unfit: string | undefined

  /** `look` gives what is wrong with the settings; how often it is asked is in ms. */
  constructor(
    look: () => Promise<string | undefined>,
    intervalMs: number,
    listener: FitnessListener,
  ) {
    this.#look = look
    this.#listener = listener
    this.#timer = setInterval(() => void this.#lookOnce(), intervalMs)
    // The watch alone keeps no process alive.
    this.#timer.unref()
  }

  /** What was wrong at the latest look. */
  get unfit(): string | undefined {
    return this.#unfit
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
  }

  async #lookOnce(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      const unfit = await this.#look()
      if (unfit === this.#unfit || this.#stopped) return
      this.#unfit = unfit
      this.#listener(unfit)
    } catch {
      // Not connected, or no answer: the next look may have one.
    } finally {
      this.#looking = false
    }
  }
}
