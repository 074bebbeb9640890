import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'

export interface MixedLoadOptions {
  readonly url: string
  /** Requests each second, all together. */
  readonly rate: number
  readonly seed: number
}

const items = 500
const groups = 25
const visitMs = 5000
const answerMs = 10_000
/** That ask at the same time, each for one thing after the other. */
const callers = 8

/** Commands and queries of `space.ts` at a steady rate, until it is told to end. */
export class MixedLoad {
  /** Answers by status; 0: none. */
  readonly answered = new Map<number, number>()
  readonly #options: MixedLoadOptions
  readonly #over = new AbortController()
  readonly #work: Promise<unknown>
  #visits = 0

  constructor(options: MixedLoadOptions) {
    this.#options = options
    const each = Array.from({ length: callers }, (_, number) =>
      this.#call(new SeededRandom(options.seed + number)),
    )
    this.#work = Promise.all(each)
  }

  async end(): Promise<void> {
    this.#over.abort()
    await this.#work
  }

  async #call(random: SeededRandom): Promise<void> {
    const pauseMs = (1000 * callers) / this.#options.rate
    while (!this.#over.signal.aborted) {
      await sleep(random.below(2 * pauseMs))
      const status = await this.#ask(random)
      this.answered.set(status, (this.answered.get(status) ?? 0) + 1)
    }
  }

  async #ask(random: SeededRandom): Promise<number> {
    const id = `i${random.below(items)}`
    const group = random.below(groups)
    const what = random.below(10)
    const [path, input] =
      what < 4
        ? ['commands/write', { id, group, size: random.below(1000) }]
        : what < 6
          ? ['commands/add', { id }]
          : what < 7
            ? ['commands/drop', { id }]
            : what < 8
              ? ['commands/visit', { id: `v${this.#visits++}`, forMs: visitMs }]
              : ['queries/ofGroup', { group }]
    try {
      const response = await fetch(`${this.#options.url}/soak/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(input),
        signal: AbortSignal.timeout(answerMs),
      })
      await response.arrayBuffer()
      return response.status
    } catch {
      // A unit that is gone: others are asked the next time.
      return 0
    }
  }
}
