import type { Space } from '../../core/definition.ts'
import { GridError, isGridError } from '../../core/errors.ts'
import {
  type LineName,
  lineNameOf,
  partsOfLine,
  type WaitingRoomOptions,
} from '../../core/waiting-room.ts'
import type { AdmissionReports } from './admission-reports.ts'
import { cookiesOf, type LinePasses, type Pass, type PassFault } from './line-passes.ts'
import type { RequestHeaders } from './request.ts'
import { requestHeaders } from './request-options.ts'
import type { Steps } from './request-steps.ts'

export interface WaitingRoomGuardParts {
  readonly passes: LinePasses
  readonly reports: AdmissionReports
  /** ms since the epoch. */
  readonly now: () => number
}

export interface WaitingRoomGuardOptions {
  /** Those whose spaces and keys are behind a waiting room. */
  readonly lines: readonly LineName[]
  /** Where the waiting room is; empty: at the same address as the units. */
  readonly url: string
  /** What may be asked of one unit with one admission. */
  readonly requestsMax: number
}

/** Admissions whose requests are counted. */
const countedMax = 200_000
/** Cookies of one request that are looked at. */
const cookiesMax = 8

interface Guarded {
  readonly declared: WaitingRoomOptions
  readonly isWhole: boolean
}

/**
 * Keeps out whoever has not been admitted, of what is behind a waiting room. An admission says by
 * itself that it holds: nothing is looked up. What is not behind one goes the way that it would go
 * without this.
 */
export class WaitingRoomGuard {
  readonly #parts: WaitingRoomGuardParts
  readonly #options: WaitingRoomGuardOptions
  readonly #lines: ReadonlySet<LineName>
  readonly #spaces = new Map<string, Guarded>()
  /** By admission: what was asked with it. */
  readonly #asked = new Map<string, number>()

  constructor(
    spaces: readonly Space[],
    parts: WaitingRoomGuardParts,
    options: WaitingRoomGuardOptions,
  ) {
    this.#parts = parts
    this.#options = options
    this.#lines = new Set(options.lines)
    for (const { name, waitingRoom } of spaces)
      if (waitingRoom && options.lines.some((line) => partsOfLine(line).space === name))
        this.#spaces.set(name, { declared: waitingRoom, isWhole: this.#lines.has(name) })
  }

  /** Undefined: it is no business of the waiting room's. */
  command<Asked, Answer>(
    space: string,
    command: string,
    steps: Steps<Asked, Answer>,
  ): Steps<Asked, Answer> | undefined {
    const guarded = this.#spaces.get(space)
    const { commands = [], finishedBy = [] } = guarded?.declared ?? {}
    const isFinish = finishedBy.includes(command)
    if (!guarded || !(commands.includes(command) || isFinish)) return undefined
    const needs = commands.includes(command)
    return {
      ...steps,
      turnAway: (unit, caller, request) => {
        try {
          steps.turnAway?.(unit, caller, request)
        } catch (error) {
          this.#tellShed(error, this.#anyOf(space, request))
          throw error
        }
      },
      run: async (unit, input, asked, request) => {
        const line = needs ? this.#lineOf(space, guarded, input) : undefined
        const pass =
          line === undefined ? this.#anyOf(space, request) : this.#admitted(line, request)
        try {
          const answer = await steps.run(unit, input, asked, request)
          if (pass) this.#parts.reports.committed(pass.line)
          if (pass && isFinish) this.#parts.reports.finished(pass.line, `${pass.lane}/${pass.id}`)
          return answer
        } catch (error) {
          this.#tellShed(error, pass)
          throw error
        }
      },
    }
  }

  /** @param inputOf its input, of what the steps are given */
  query<Asked, Answer>(
    space: string,
    query: string,
    steps: Steps<Asked, Answer>,
    inputOf: (given: unknown) => unknown = (given) => given,
  ): Steps<Asked, Answer> | undefined {
    const guarded = this.#spaces.get(space)
    if (!guarded?.declared.queries?.includes(query)) return undefined
    return this.#guardedRead(steps, (given) => [this.#lineOf(space, guarded, inputOf(given))])
  }

  /** Several queries: whoever may not ask one of them may not ask any. */
  batch<Asked, Answer>(
    space: string,
    steps: Steps<Asked, Answer>,
  ): Steps<Asked, Answer> | undefined {
    const guarded = this.#spaces.get(space)
    const { queries = [] } = guarded?.declared ?? {}
    if (!guarded || queries.length === 0) return undefined
    return this.#guardedRead(steps, (given) =>
      Array.isArray(given)
        ? given.flatMap((one) =>
            queries.includes(one?.query) ? [this.#lineOf(space, guarded, one?.input)] : [],
          )
        : [],
    )
  }

  #guardedRead<Asked, Answer>(
    steps: Steps<Asked, Answer>,
    linesOf: (given: unknown) => readonly (LineName | undefined)[],
  ): Steps<Asked, Answer> {
    return {
      ...steps,
      run: async (unit, input, asked, request) => {
        const passes = [...new Set(linesOf(input))].map((line) =>
          line === undefined ? undefined : this.#admitted(line, request),
        )
        try {
          return await steps.run(unit, input, asked, request)
        } catch (error) {
          for (const pass of passes) this.#tellShed(error, pass)
          throw error
        }
      },
    }
  }

  /** The line that whoever asks this must have been in; undefined: none. */
  #lineOf(space: string, { declared, isWhole }: Guarded, input: unknown): LineName | undefined {
    if (isWhole) return space
    const key = declared.by && (input as Record<string, unknown> | null | undefined)?.[declared.by]
    // What is no text the unit refuses by itself.
    if (typeof key !== 'string') return undefined
    const line = lineNameOf(space, key)
    return this.#lines.has(line) ? line : undefined
  }

  /** @throws GridError `admission_required`, `admission_overused` */
  #admitted(line: LineName, request: RequestHeaders): Pass {
    let reason: PassFault | 'missing' | 'other_line' = 'missing'
    for (const text of textsOf(request)) {
      const pass = this.#parts.passes.read('admission', text, this.#parts.now())
      if (typeof pass === 'string') reason = pass
      else if (pass.line !== line) reason = 'other_line'
      else {
        this.#count(pass)
        return pass
      }
    }
    throw admissionRequired(line, reason, `${this.#options.url}/waiting-room/${pathOf(line)}`)
  }

  /** One of the space, if there is one: of what is not kept from anybody. */
  #anyOf(space: string, request: RequestHeaders): Pass | undefined {
    for (const text of textsOf(request)) {
      const pass = this.#parts.passes.read('admission', text, this.#parts.now())
      if (typeof pass === 'object' && partsOfLine(pass.line).space === space) return pass
    }
    return undefined
  }

  /**
   * An admission is for one visitor. Who hands it on shares what may be asked with it.
   * @throws GridError `admission_overused`
   */
  #count({ line, lane, id, until }: Pass): void {
    const { requestsMax } = this.#options
    const name = `${line} ${lane} ${id}`
    const count = (this.#asked.get(name) ?? 0) + 1
    if (count > requestsMax)
      throw new GridError(
        'admission_overused',
        `More than ${requestsMax} requests came with this admission`,
        { details: { requestsMax }, retryAfterMs: Math.max(0, until - this.#parts.now()) },
      )
    if (count === 1 && this.#asked.size >= countedMax)
      // The oldest: it has most probably expired.
      for (const [oldest] of this.#asked) {
        this.#asked.delete(oldest)
        break
      }
    this.#asked.set(name, count)
  }

  #tellShed(error: unknown, pass: Pass | undefined): void {
    if (pass && isGridError(error) && error.status === 503) this.#parts.reports.shed(pass.line)
  }
}

/** A line's name in a path. */
export const pathOf = (line: LineName): string => line.split('/').map(encodeURIComponent).join('/')

function textsOf(request: RequestHeaders): string[] {
  const header = request.header(requestHeaders.admission)
  if (header !== undefined) return [header]
  return cookiesOf(request.headers('Cookie'), 'grid-admission-').slice(0, cookiesMax)
}

const reasons: Readonly<Record<PassFault | 'missing' | 'other_line', string>> = {
  missing: 'there is a line for this, and the request carries no admission',
  forged: 'the admission was not given by this waiting room',
  expired: 'the admission has expired',
  other_line: 'the admission is for another line',
}

const admissionRequired = (line: LineName, reason: keyof typeof reasons, join: string): GridError =>
  new GridError('admission_required', `Join the line at ${join}: ${reasons[reason]}`, {
    details: { line, reason, join },
  })
