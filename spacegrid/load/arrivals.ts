import { type Random, randomExponential } from './random.ts'
import type { RateCurve } from './rate-curve.ts'

/** How arrivals lie within the rate: as independent people do, or evenly spaced. */
export const arrivalProcesses = ['poisson', 'uniform'] as const

export type ArrivalProcess = (typeof arrivalProcesses)[number]

/**
 * The intended start of every arrival, in ms from the beginning of the run, in order. It is
 * computed from the curve alone: how fast the grid answers cannot move an arrival (an open loop).
 *
 * Poisson arrivals of a changing rate come from a process of rate one, read through the inverse of
 * the curve's integral (time rescaling: Daley and Vere-Jones, *An Introduction to the Theory of
 * Point Processes*, section 7.4). Uniform arrivals use whole steps in place of exponential ones.
 * Lazy, so that a long run needs no list of millions.
 */
export function* arrivalTimesMs(
  curve: RateCurve,
  process: ArrivalProcess,
  random: Random,
): Generator<number, void, undefined> {
  const secondAt = curve.reader()
  let arrivals = process === 'poisson' ? randomExponential(random) : 0
  for (;;) {
    const second = secondAt(arrivals)
    if (second === undefined) return
    yield second * 1000
    arrivals += process === 'poisson' ? randomExponential(random) : 1
  }
}
