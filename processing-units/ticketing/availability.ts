import { defineProjection } from 'spacegrid'
import { type Seat, seats } from './caches.ts'

/** How many seats of a section have each status. */
export type SectionCounts = Record<Seat['status'], number>

/** Event id → section → counts. */
export type Availability = Map<string, Map<string, SectionCounts>>

/**
 * Counts kept with every change of a seat, so that the most asked question of an on-sale costs the
 * same for ten seats and for 100,000. Sums do not depend on the order of the changes: a unit may
 * build them from seats in any order.
 */
export const availability = defineProjection('availability', {
  cache: seats,
  initial: (): Availability => new Map(),
  apply(model, { before, after }) {
    if (before) countsOf(model, before)[before.status]--
    if (after) countsOf(model, after)[after.status]++
  },
})

function countsOf(model: Availability, { eventId, section }: Seat): SectionCounts {
  let sections = model.get(eventId)
  if (!sections) {
    sections = new Map()
    model.set(eventId, sections)
  }
  let counts = sections.get(section)
  if (!counts) {
    counts = { free: 0, held: 0, sold: 0 }
    sections.set(section, counts)
  }
  return counts
}
