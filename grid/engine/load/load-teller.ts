import { isGridError } from '../../core/errors.ts'
import type { Messaging, Subscription } from '../ports/messaging.ts'
import { subjects } from '../wire/subjects.ts'
import { encodeLoad, type LoadTold } from './load-told.ts'

/**
 * Tells how a unit fares whenever somebody asks: so it costs nothing where nobody scales the grid,
 * and one message a second where somebody does, however many units there are.
 */
export function tellLoad(space: string, messaging: Messaging, load: () => LoadTold): Subscription {
  return messaging.subscribe(subjects.loadAsked(space), () => {
    try {
      messaging.publish(subjects.load(space), encodeLoad(load()))
    } catch (error) {
      // Not connected just now: whoever asks asks again.
      if (!isGridError(error)) throw error
    }
  })
}
