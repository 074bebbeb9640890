import type { FindingRule, Simulation } from 'spacegrid/testing'

/** A mistake that applications really make, planted in a small space. */
export interface Mistake {
  readonly name: string
  readonly what: string
  /** Under which of them it may be found. */
  readonly rules: readonly FindingRule[]
  /** The space with the mistake, or as it should be. */
  readonly simulation: (isWrong: boolean) => Simulation
}

export const mistake = (
  name: string,
  what: string,
  rules: readonly FindingRule[],
  simulation: (isWrong: boolean) => Simulation,
): Mistake => ({ name, what, rules, simulation })
