import { defineProjection } from 'spacegrid'
import { seats } from './caches.ts'

/**
 * How many seats of each section are free, held and sold: kept up with every change of a seat, so
 * that the most asked question of an on-sale costs the same for ten seats and for 100,000.
 */
export const availability = defineProjection('availability', {
  description: 'How many seats of a section are free, held and sold.',
  access: 'public',
  of: seats,
  groupBy: ['eventId', 'section'],
  values: ({ count }) => ({
    free: count(({ status }) => status === 'free'),
    held: count(({ status }) => status === 'held'),
    sold: count(({ status }) => status === 'sold'),
  }),
  readable: true,
  partitionBy: 'eventId',
})
