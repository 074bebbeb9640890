const onTerminalMs = 500
/** For what takes long: where there is no terminal a line is told now and then. */
export const elsewhereMs = 5000

export interface ProgressLineOptions {
  /** Output is data: nobody reads along. */
  readonly json?: boolean | undefined
  /** The first text is shown at once. Default: not before it has taken a while. */
  readonly atOnce?: boolean
  /** Pause between lines where there is no terminal, ms. Default: nothing is told there. */
  readonly elsewhereMs?: number
}

/** Tells on standard error how far something is: one line that changes, on a terminal. */
export class ProgressLine {
  readonly #isTerminal = process.stderr.isTTY
  /** undefined: nothing is told. */
  readonly #patienceMs: number | undefined
  #toldAt: number

  constructor({ json, atOnce, elsewhereMs }: ProgressLineOptions) {
    this.#patienceMs = json ? undefined : this.#isTerminal ? onTerminalMs : elsewhereMs
    this.#toldAt = atOnce ? Number.NEGATIVE_INFINITY : performance.now()
  }

  tell(text: string): void {
    const now = performance.now()
    if (this.#patienceMs === undefined || now - this.#toldAt < this.#patienceMs) return
    this.#toldAt = now
    process.stderr.write(this.#isTerminal ? `\r\u001b[K${text}` : `${text}\n`)
  }

  /** Makes room for what is said next. */
  clear(): void {
    if (this.#isTerminal && this.#patienceMs !== undefined) process.stderr.write('\r\u001b[K')
  }
}
