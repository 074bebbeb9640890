import type { Measured } from './measured.ts'
import type { RunComparison } from './verdict/comparison.ts'
import type { ThresholdResult } from './verdict/threshold.ts'

/** Everything a run came to: the content of `--json`, and all that the screen and the page show. */
export interface LoadSummary extends Measured {
  readonly thresholds: readonly ThresholdResult[]
  readonly comparison?: RunComparison
}
