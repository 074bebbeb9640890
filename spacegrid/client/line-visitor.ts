import type { Answer } from './answer.ts'

/** How it goes in line. */
export interface LinePlace {
  readonly state: 'waiting' | 'admitted' | 'over'
  readonly line: string
  readonly lane: string
  readonly number: number
  readonly ticket?: string
  /** Places of the same lane whose turn is before. */
  readonly ahead?: number
  /** How long it takes, s; nine of ten such intervals hold what comes. `null`: not known yet. */
  readonly estimate?: {
    readonly seconds: number
    readonly from: number
    readonly to: number
    readonly isSettled: boolean
  } | null
  readonly retryAfterMs?: number
  readonly admission?: string
  /** ms since the epoch. */
  readonly until?: number
}

export interface LineOptions {
  /** Told of each look at how it goes. */
  readonly told?: (place: LinePlace) => void
  /** Of lines with several. Default: that of the claim, else everybody's. */
  readonly lane?: string
  /** What was signed for this visitor. */
  readonly claim?: string
  /**
   * How long one stands in line, ms; then the request is answered with `admission_required`.
   * Default: as long as it takes.
   */
  readonly patienceMs?: number
}

/** A request was refused, because one has to stand in this line for it. */
export interface RefusedFor {
  readonly line: string
  readonly url: string
  /** It came with the admission of another line. */
  readonly isOther: boolean
}

interface Standing {
  readonly signal: AbortSignal | undefined
  /** False when it was given up. */
  readonly pause: (ms: number) => Promise<boolean>
}

const pauseMs = 2000
const headerName = 'grid-admission'

/**
 * Stands in line for one client, once for all of its requests that need it, and keeps its
 * admissions.
 */
export class LineVisitor {
  readonly #options: LineOptions
  readonly #origin: string
  /** By line; the one that was used last is the last. */
  readonly #admissions = new Map<string, { readonly admission: string; readonly until: number }>()
  readonly #tickets = new Map<string, string>()
  readonly #waits = new Map<string, Promise<boolean>>()

  constructor(origin: string, options: LineOptions) {
    this.#origin = origin
    this.#options = options
  }

  /** What goes with requests to a space. */
  headersFor(space: string): Readonly<Record<string, string>> {
    for (const [line, { admission, until }] of [...this.#admissions].toReversed()) {
      if (line !== space && !line.startsWith(`${space}/`)) continue
      if (until > Date.now()) return { [headerName]: admission }
      this.#admissions.delete(line)
    }
    return {}
  }

  /** What an answer says of the line in which one has to stand for what was asked. */
  lineOf(answer: Answer): RefusedFor | undefined {
    if (answer.kind !== 'failed' || answer.problem?.code !== 'admission_required') return undefined
    const { line, join, reason } = answer.problem.details
    if (typeof line !== 'string' || typeof join !== 'string') return undefined
    return { line, url: new URL(join, this.#origin).href, isOther: reason === 'other_line' }
  }

  /** Until it is this visitor's turn; false: given up. */
  async admitted(refused: RefusedFor, patience: Standing): Promise<boolean> {
    const { line, isOther } = refused
    const known = this.#admissions.get(line)
    this.#admissions.delete(line)
    if (isOther && known && known.until > Date.now()) {
      // That of another line was sent: from now on this one is.
      this.#admissions.set(line, known)
      return true
    }
    const standing = this.#waits.get(line) ?? this.#stand(refused, patience)
    this.#waits.set(line, standing)
    try {
      return await standing
    } finally {
      this.#waits.delete(line)
    }
  }

  async #stand({ line, url }: RefusedFor, { signal, pause }: Standing): Promise<boolean> {
    const endsAt = performance.now() + (this.#options.patienceMs ?? Number.POSITIVE_INFINITY)
    while (performance.now() < endsAt) {
      const place = await this.#look(line, url, signal)
      if (place) this.#options.told?.(place)
      if (place?.state === 'admitted' && place.admission !== undefined) {
        this.#admissions.delete(line)
        const { admission, until = Number.POSITIVE_INFINITY } = place
        this.#admissions.set(line, { admission, until })
        return true
      }
      const ms = place?.state === 'over' ? 0 : (place?.retryAfterMs ?? pauseMs)
      if (!(await pause(Math.min(ms, Math.max(0, endsAt - performance.now()))))) return false
    }
    return false
  }

  /** Joins, or looks with the ticket that it has; undefined: nobody has answered. */
  async #look(line: string, url: string, signal?: AbortSignal): Promise<LinePlace | undefined> {
    const ticket = this.#tickets.get(line)
    const { lane, claim } = this.#options
    const accept = { accept: 'application/json' }
    const limits = signal ? { signal } : {}
    try {
      const response = await (ticket === undefined
        ? fetch(url, {
            ...{ method: 'POST', ...limits },
            headers: { ...accept, 'content-type': 'application/json' },
            body: JSON.stringify({ lane, claim }),
          })
        : fetch(url, { ...limits, headers: { ...accept, 'grid-ticket': ticket } }))
      const body = (await response.json()) as LinePlace
      // What cannot be had by waiting: the next look joins again.
      if (response.status === 403 || body.state === 'over') this.#tickets.delete(line)
      if (!response.ok) return undefined
      if (body.ticket !== undefined) this.#tickets.set(line, body.ticket)
      return body
    } catch {
      // Waiting rooms come and go: the place is kept.
      return undefined
    }
  }
}
