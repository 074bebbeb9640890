import { hash } from 'node:crypto'
import { GridError } from '@spacegrid/grid/core/errors'
import type { Interest } from '@spacegrid/grid/core/interests'
import type { Watched } from '@spacegrid/grid/doors/request/live'
import type { ReadsMade, Source } from './reads-made.ts'

/** What it depends on, of one cache or projection. */
export interface Dependency {
  keys: ReadonlySet<string>
  others: readonly Interest[]
}

/** One query with one input whose answer is kept, for as long as somebody watches it. */
export class LiveQuery {
  readonly name: string
  readonly input: unknown
  readonly waiting = new Set<() => void>()
  readonly dependencies = new Map<Source, Dependency>()
  answer: Watched | undefined
  isDirty = true
  isRunning = false
  readsPosition = false
  readsTime = false
  /** Monotonic ms before which it is not worked out again. */
  notBefore = 0
  watchedAt = 0

  constructor(name: string, input: unknown) {
    this.name = name
    this.input = input
  }

  /** Returns whether it is another answer than before. */
  take(answer: Watched): boolean {
    const before = this.answer
    this.answer = answer
    if (before?.tag === answer.tag) return false
    for (const wake of this.waiting) wake()
    return true
  }

  reads({ readsPosition, readsTime }: ReadsMade): void {
    this.readsPosition = readsPosition
    this.readsTime = readsTime
  }
}

/** Tells answers apart, on every unit alike: 128 bits of SHA-256, as of `ETag`. */
const tagOf = (text: string): string => hash('sha256', text, 'base64url').slice(0, 22)

/**
 * @param before whose tag need not be made again if it says the same
 * @throws GridError `internal` for what cannot be told: a getter that throws when asked again
 */
export function answerOf(result: unknown, position: number, before: Watched | undefined): Watched {
  const json = jsonOf(result ?? null)
  const tag = before?.json === json ? before.tag : tagOf(json)
  return { tag, position, json }
}

function jsonOf(result: unknown): string {
  try {
    return JSON.stringify(result)
  } catch (cause) {
    throw new GridError('internal', 'The answer of a live query cannot be written', { cause })
  }
}

export const failureOf = (failure: GridError, position: number): Watched => ({
  tag: tagOf(`${failure.code} ${failure.message}`),
  position,
  failure,
})
