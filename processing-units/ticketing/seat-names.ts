import type { Seat } from './caches.ts'

type Place = Pick<Seat, 'section' | 'row' | 'number'>

/** Section names may hold hyphens all the same: row and number are what follows the last two. */
export const seatIdOf = ({ section, row, number }: Place): string => `${section}-${row}-${number}`

/** Event ids hold no slash, so two events never share a key. */
export const seatKey = (eventId: string, seatId: string): string => `${eventId}/${seatId}`

export const customerSeatsKey = (eventId: string, customerId: string): string =>
  `${eventId}/${customerId}`
