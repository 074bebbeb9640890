import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { AppendFate } from '@spacegrid/grid/kit/simulated-log'
import type { Coverage } from './coverage.ts'

/** What becomes of appends, to everybody. */
export interface AppendFaults {
  /** Probability that a record is lost on its way: the outcome is unknown to whoever sent it. */
  loss: number
  /** That it is stored, but nobody is told. */
  silence: number
  /** That it is stored twice. */
  doubling: number
  /** That it comes late, up to `lateMsMax`. */
  delay: number
  lateMsMax: number
}

export const noAppendFaults: AppendFaults = {
  loss: 0,
  silence: 0,
  doubling: 0,
  delay: 0,
  lateMsMax: 0,
}

/** Draws what becomes of one append. */
export function fateOf(
  { loss, silence, doubling, delay, lateMsMax }: AppendFaults,
  random: SeededRandom,
  coverage: Coverage,
): AppendFate {
  const late = random.chance(delay) ? { delayMs: random.below(lateMsMax + 1) } : {}
  if (random.chance(loss)) {
    coverage.count('publish: unknown (lost)')
    return { copies: 0 }
  }
  if (random.chance(silence)) {
    coverage.count('publish: unknown (silent)')
    return { ...late, answered: false }
  }
  if (!random.chance(doubling)) return late
  coverage.count('publish: doubled')
  return { ...late, copies: 2 }
}
