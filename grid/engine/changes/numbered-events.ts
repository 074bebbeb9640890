import type { WindowEvent } from '../wire/window-codec.ts'

/** An event with its place among those of its position, from 1. */
export interface NumberedEvent {
  readonly event: WindowEvent
  readonly number: number
}

/** The events of a window, which holds all of a position, or none. */
export function numberedEvents(events: readonly WindowEvent[]): NumberedEvent[] {
  let position = 0
  let number = 0
  return events.map((event) => {
    number = event.position === position ? number + 1 : 1
    position = event.position
    return { event, number }
  })
}
