import type { RunResult } from '../processes/subject.ts'
import type { Figure } from './goal.ts'
import { spreadOf } from './spread.ts'

/** The samples of one subject as a line of a table. */
export function figureOf(
  place: Pick<Figure, 'table' | 'subject' | 'operation' | 'inFlight'>,
  samples: readonly RunResult[],
): Figure {
  const attempts = samples.map(({ operations, retries }) => 1 + retries / Math.max(1, operations))
  return {
    ...place,
    perSecond: spreadOf(samples.map(({ perSecond }) => perSecond)),
    p50: spreadOf(samples.map(({ p50 }) => p50)).median,
    attempts: spreadOf(attempts).median,
  }
}

export const rates = (samples: readonly RunResult[] | undefined): number[] =>
  (samples ?? []).map(({ perSecond }) => perSecond)

export const perSecondText = (rate: number): string => `${Math.round(rate).toLocaleString('en')}/s`
