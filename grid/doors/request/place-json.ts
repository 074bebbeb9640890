import type { Place, WaitEstimate } from './line-serving.ts'
import { waitText } from './wait-text.ts'

/** A wait as programs are told of it: exactly enough for what it is. */
export function waitJson(estimate: WaitEstimate | undefined): object {
  if (!estimate) return { estimate: null, estimateText: 'not known yet' }
  const { seconds, from, to, isSettled } = estimate
  return {
    estimate: { seconds: tenth(seconds), from: tenth(from), to: tenth(to), isSettled },
    estimateText: waitText(estimate),
  }
}

const tenth = (seconds: number): number => Math.round(seconds * 10) / 10

/** A place as programs are told of it, over HTTP and NATS. */
export function placeJson(place: Place, target: string | undefined): object {
  if (place.state === 'waiting') {
    const { estimate, retryAfterMs, ...told } = place
    return { ...told, ...waitJson(estimate), retryAfterMs }
  }
  return target === undefined || place.state === 'over' ? place : { ...place, target }
}
