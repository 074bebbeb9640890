import { type ErrorCode, isGridError } from '../core/errors.ts'

/** What is refused on a subject is told at most this often. */
const tellMs = 60_000
/** Subjects that are told apart; those beyond are told as one. */
const subjectsMax = 256

const notOurs: ReadonlySet<ErrorCode> = new Set(['record_damaged', 'format_unsupported'])

/** `count`: messages refused on this subject since it was told last, this one included. */
export type TellRefused = (error: unknown, subject: string, count: number) => void

interface Told {
  at: number
  count: number
}

/**
 * What the edge of a messaging port has caught, so that no message ends a process: somebody listens
 * or answers, and throws because of what came. Told once a minute for each subject. Where nobody is
 * told, what is no GridError is a bug that must show: it is thrown again where nobody catches it.
 */
export class RefusedMessages {
  readonly #now: () => number
  readonly #tell: TellRefused | undefined
  readonly #told = new Map<string, Told>()
  #count = 0

  /** `now`: ms that never run backwards. */
  constructor(now: () => number, tell?: TellRefused) {
    this.#now = now
    this.#tell = tell
  }

  /** Of all subjects. */
  get count(): number {
    return this.#count
  }

  /**
   * A responder's GridError is an answer like others, unless it says that the request was no
   * message at all.
   */
  refusedRequest(error: unknown, subject: string): void {
    const isNone = !isGridError(error) || notOurs.has(error.code)
    if (isNone) this.note(error, subject)
  }

  note(error: unknown, subject: string): void {
    this.#count++
    if (!this.#tell) {
      if (!isGridError(error)) throwUncaught(error)
      return
    }
    const now = this.#now()
    const told = this.#placeOf(subject, now)
    told.count++
    if (now - told.at < tellMs) return
    this.#tell(error, subject, told.count)
    told.at = now
    told.count = 0
  }

  #placeOf(subject: string, now: number): Told {
    const found = this.#told.get(subject)
    if (found) return found
    if (this.#told.size >= subjectsMax)
      for (const [name, { at }] of this.#told) if (now - at >= tellMs) this.#told.delete(name)
    const name = this.#told.size < subjectsMax ? subject : ''
    const place = this.#told.get(name) ?? { at: Number.NEGATIVE_INFINITY, count: 0 }
    this.#told.set(name, place)
    return place
  }
}

/** A driver prints what a callback throws, stops reading, and looks alive. */
function throwUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
