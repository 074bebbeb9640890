import { type Static, Type } from 'spacegrid'

/** Text that people read and keys are made of: no control characters. */
const plain = '[^\\u0000-\\u001f\\u007f-\\u009f]'
const plainWithoutSlash = '[^/\\u0000-\\u001f\\u007f-\\u009f]'

export const auctionId = Type.String({
  pattern: `^${plainWithoutSlash}{1,64}$`,
  description: 'Chosen by the seller: 1 to 64 characters, no slash, no control characters',
  examples: ['painting'],
})

export const bidderId = Type.String({
  pattern: `^${plain}{1,128}$`,
  description: 'Whoever bids: 1 to 128 characters, no control characters',
  examples: ['bidder-1'],
})

export const title = Type.String({
  pattern: `^${plain}{1,200}$`,
  description: '1 to 200 characters, no control characters',
  examples: ['Painting'],
})

/** Twice the largest amount is still far below what a number holds exactly. */
const amountMax = 1_000_000_000_000

export const amount = Type.Integer({
  minimum: 0,
  maximum: amountMax,
  description: 'Minor units (cents)',
  examples: [10_000],
})

export const increment = Type.Integer({
  minimum: 1,
  maximum: amountMax,
  description: 'By how much a bid must exceed the one before, minor units (cents)',
  examples: [500],
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
})

export const toMs = (given: Static<typeof timeOrDate>): number =>
  typeof given === 'string' ? Date.parse(given) : given
