import { type Random, randomBelow } from '../random.ts'

export interface LayoutSection {
  readonly section: string
  readonly rows: number
  readonly seatsPerRow: number
  readonly price: number
}

/** The ticketing contract's limit for one event. */
export const eventSeatsMax = 100_000

const sectionNames = ['A', 'B', 'C', 'D'] as const
const seatsPerRowMax = 50

/**
 * The seats of the event that a run sells: four sections of equal size, in rows of at most fifty,
 * with at least the seats asked for and never more than one row per section above that.
 */
export function eventSections(seats: number): LayoutSection[] {
  const perSection = Math.ceil(seats / sectionNames.length)
  const seatsPerRow = Math.min(seatsPerRowMax, perSection)
  const rows = Math.ceil(perSection / seatsPerRow)
  if (rows * seatsPerRow * sectionNames.length <= eventSeatsMax) {
    return sectionNames.map((section, index) => ({
      section,
      rows,
      seatsPerRow,
      price: 100 - index * 20,
    }))
  }
  return eventSections(seats - seatsPerRow)
}

/** Seats beside each other in a random row. */
export function randomNeighbours(
  sections: readonly LayoutSection[],
  quantity: number,
  random: Random,
): string[] {
  const { section, rows, seatsPerRow } = sections[randomBelow(random, sections.length)]!
  const row = 1 + randomBelow(random, rows)
  const count = Math.min(quantity, seatsPerRow)
  const first = 1 + randomBelow(random, seatsPerRow - count + 1)
  return Array.from({ length: count }, (_, index) => `${section}-${row}-${first + index}`)
}
