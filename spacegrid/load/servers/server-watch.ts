import { tokenHeaders } from '@spacegrid/grid/doors/admin/admin-token'
import type { WatchedProcess } from '../found/find-grid.ts'
import { sleepUnlessAborted } from '../open-loop.ts'
import { type Counters, countersOf, type StatusTold, sampleOf } from './process-sample.ts'
import type { ProcessFigures, ProcessSample, ServerFigures } from './server-figures.ts'

export interface ServerWatchOptions {
  /** Those to be asked, as they are known now. */
  readonly processes: () => Promise<readonly WatchedProcess[]>
  /** Ms since the run began. */
  readonly now: () => number
  /** Pause between two questions, in ms. */
  readonly intervalMs?: number
}

/** Processes watched at once: more would be a load of their own. */
const processesMax = 64
/** An answer that takes longer is none. In ms. */
const answerMsMax = 1000
/** How often it is looked who is there: units come and go. In ms. */
const lookMs = 5000

interface Watched {
  readonly name: string
  role: string
  readonly samples: ProcessSample[]
  unanswered: number
  before: Counters | undefined
}

/**
 * Asks every process of the grid once a second how it is, status and metrics, on its administration
 * port, where nothing waits behind the users. Whoever does not answer is only counted: a grid under
 * load has better things to do.
 */
export class ServerWatch {
  readonly #options: Required<ServerWatchOptions>
  readonly #watched = new Map<string, Watched>()
  readonly #over = new AbortController()
  #left = 0
  #done: Promise<void> | undefined

  constructor(options: ServerWatchOptions) {
    this.#options = { intervalMs: 1000, ...options }
  }

  start(): void {
    this.#done = this.#watch()
  }

  /** What was seen until now. */
  async stop(): Promise<ServerFigures> {
    this.#over.abort()
    await this.#done
    const processes = [...this.#watched.values()]
      .filter(({ samples }) => samples.length > 0)
      .map(({ before: _, ...figures }): ProcessFigures => figures)
      .toSorted((one, other) => one.name.localeCompare(other.name))
    if (processes.length === 0) return { processes, note: this.#whyNothing() }
    if (this.#left === 0) return { processes }
    return { processes, note: `${this.#left} more processes were not watched` }
  }

  #whyNothing(): string {
    const asked = [...this.#watched.keys()]
    return asked.length === 0
      ? 'Nobody is known to say how the grid is: name its administration ports with --status.'
      : `No answer from ${asked.join(', ')}: is that the administration port of the grid under load?`
  }

  async #watch(): Promise<void> {
    const { processes, now, intervalMs } = this.#options
    const { signal } = this.#over
    let known: readonly WatchedProcess[] = []
    let lookAt = Number.NEGATIVE_INFINITY
    while (!signal.aborted) {
      const begun = now()
      if (begun >= lookAt) {
        lookAt = begun + lookMs
        // Who was there is asked on while nobody knows better.
        const found = await processes().catch(() => known)
        known = found.slice(0, processesMax)
        this.#left = found.length - known.length
      }
      await Promise.all(known.map((one) => this.#ask(one)))
      await sleepUnlessAborted(Math.max(0, begun + intervalMs - now()), signal)
    }
  }

  async #ask({ name, admin, token }: WatchedProcess): Promise<void> {
    const watched = this.#of(name, admin)
    const signal = AbortSignal.any([this.#over.signal, AbortSignal.timeout(answerMsMax)])
    const get = async (path: string) => {
      const response = await fetch(new URL(path, admin), { signal, headers: tokenHeaders(token) })
      if (!response.ok) throw new Error(`HTTP ${response.status}`)
      return await response.text()
    }
    try {
      const [status, metrics] = await Promise.all([get('/status'), get('/metrics')])
      const told = JSON.parse(status) as StatusTold
      const counters = countersOf(told, metrics, this.#options.now())
      watched.role = told.role
      watched.samples.push(sampleOf(told, metrics, counters, watched.before))
      watched.before = counters
    } catch {
      // Whatever kept it from answering: the figures have a gap there, and say so.
      if (!this.#over.signal.aborted) watched.unanswered += 1
    }
  }

  #of(name: string, admin: string): Watched {
    let watched = this.#watched.get(admin)
    if (watched === undefined) {
      watched = { name, role: '', samples: [], unanswered: 0, before: undefined }
      this.#watched.set(admin, watched)
    }
    return watched
  }
}
