/** Often enough for a log that is not a terminal. */
const logEveryMs = 10_000

/**
 * What goes on at this moment, on one line that changes; elsewhere than on a terminal, now and then
 * as a line of its own.
 */
export class StatusLine {
  readonly #stream: NodeJS.WriteStream
  #shown = false
  #lastMs = 0

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  show(text: string): void {
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\x1b[K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`)
      this.#shown = true
    } else if (performance.now() - this.#lastMs > logEveryMs) {
      this.#lastMs = performance.now()
      this.#stream.write(`${text}\n`)
    }
  }

  /** Stays. */
  print(line: string): void {
    this.#stream.write(`${this.#shown ? '\r\x1b[K' : ''}${line}\n`)
    this.#shown = false
  }
}
