import { waitText } from './wait-text.ts'
import type { Place } from './waiting-room.ts'

/** A place as programs are told of it, over HTTP and NATS. */
export function placeJson(place: Place, target: string | undefined): object {
  if (place.state === 'waiting') {
    const { estimate, retryAfterMs, ...told } = place
    return {
      ...told,
      estimate: estimate ? rounded(estimate) : null,
      estimateText: estimate ? waitText(estimate) : 'not known yet',
      retryAfterMs,
    }
  }
  return target === undefined || place.state === 'over' ? place : { ...place, target }
}

const rounded = (estimate: {
  readonly seconds: number
  readonly from: number
  readonly to: number
}) =>
  Object.fromEntries(
    Object.entries(estimate).map(([name, seconds]) => [name, Math.round(seconds * 10) / 10]),
  )
