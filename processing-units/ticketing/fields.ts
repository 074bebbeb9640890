import { type Static, Type } from 'spacegrid'

/** Text that people read and keys are made of: no control characters. */
const plain = '[^\\u0000-\\u001f\\u007f-\\u009f]'
const plainWithoutSlash = '[^/\\u0000-\\u001f\\u007f-\\u009f]'

export const eventId = Type.String({
  pattern: `^${plainWithoutSlash}{1,64}$`,
  description: 'Chosen by the organizer: 1 to 64 characters, no slash, no control characters',
  examples: ['concert'],
})

export const sectionName = Type.String({
  pattern: `^${plainWithoutSlash}{1,64}$`,
  description: 'Name of a section: 1 to 64 characters, no slash, no control characters',
  examples: ['A'],
})

export const seatId = Type.String({
  pattern: `^${plainWithoutSlash}{1,64}-[1-9][0-9]{0,5}-[1-9][0-9]{0,5}$`,
  description: '{section}-{row}-{seat}; rows and seats count from 1',
  examples: ['A-1-12'],
})

export const customerId = Type.String({
  pattern: `^${plain}{1,128}$`,
  description: 'Whoever buys: 1 to 128 characters, no control characters',
  examples: ['customer-1'],
})

export const holdId = Type.String({
  pattern: `^${plain}{1,64}$`,
  description: 'From the answer of holdSeats or holdBestAvailable',
  examples: ['k3Jd9QmX2vT7bLwZ5nRc1a'],
})

export const orderId = Type.String({
  pattern: `^${plain}{1,64}$`,
  description: 'From the answer of confirmHold',
  examples: ['k3Jd9QmX2vT7bLwZ5nRc1a'],
})

export const paymentReference = Type.String({
  pattern: `^${plain}{1,200}$`,
  description: 'What the payment provider calls the payment: 1 to 200 characters',
  examples: ['payment-1'],
})

export const eventName = Type.String({
  pattern: `^${plain}{1,200}$`,
  description: '1 to 200 characters',
  examples: ['Concert'],
})

/** Eight of the dearest seats stay far below what a number holds exactly. */
export const price = Type.Integer({
  minimum: 0,
  maximum: 1_000_000_000,
  description: 'Price of one seat in minor units (cents)',
  examples: [4500],
})

export const total = Type.Integer({
  minimum: 0,
  description: 'Price of all its seats together in minor units (cents)',
  examples: [9000],
})

/** Last millisecond of the year 9999: later times have no usual notation. */
export const time = Type.Integer({
  minimum: 0,
  maximum: 253_402_300_799_999,
  description: 'ms since the epoch',
  examples: [1_893_456_000_000],
})

/** As callers may write a time; `toMs` makes it what is stored. */
export const timeOrDate = Type.Union([time, Type.String({ format: 'date-time' })], {
  description: 'ms since the epoch, or a date and time like 2030-06-01T20:00:00+02:00',
  examples: [1_893_456_000_000],
})

export const toMs = (given: Static<typeof timeOrDate>): number =>
  typeof given === 'string' ? Date.parse(given) : given

export const seatStatus = Type.Enum(['free', 'held', 'sold'], { type: 'string' })

export const seatsMax = 100_000

/** A block of seats of one price: `rows` rows of `seatsPerRow` seats each. */
export const section = Type.Object({
  section: sectionName,
  rows: Type.Integer({ minimum: 1, maximum: seatsMax, examples: [10] }),
  seatsPerRow: Type.Integer({ minimum: 1, maximum: seatsMax, examples: [20] }),
  price,
})

export type Section = Static<typeof section>
