import { describe, expect, it } from 'vitest'
import { auditTicketing, type TicketingObservation } from './ticketing-audit.ts'
import { TicketingLedger } from './ticketing-ledger.ts'

const hold = (holdId: string, ...seatIds: string[]) => ({ holdId, customerId: 'ann', seatIds })

/** Two acknowledged orders, one refusal, and a grid that agrees. */
function books(): { ledger: TicketingLedger; observed: TicketingObservation } {
  const ledger = new TicketingLedger()
  ledger.acknowledged(hold('h1', 'A-1-1', 'A-1-2'), 'o1')
  ledger.acknowledged(hold('h2', 'A-1-3'), 'o2')
  ledger.notConfirmed(hold('h3', 'A-1-4'))
  const stored = ledger.orders.map((order) => [order.orderId, order] as const)
  return {
    ledger,
    observed: {
      seats: 10,
      seatsCreated: 10,
      soldSeatIds: ['A-1-1', 'A-1-2', 'A-1-3'],
      soldInAvailability: 3,
      ordersById: new Map(stored),
      ordersOfRefused: ledger.orders,
    },
  }
}

const failures = (ledger: TicketingLedger, observed: TicketingObservation): string[] =>
  auditTicketing(ledger, observed)
    .filter(({ passed }) => !passed)
    .map(({ promise }) => promise)

describe('auditTicketing', () => {
  it('passes when the grid says what the users were told', () => {
    const { ledger, observed } = books()
    expect(failures(ledger, observed)).toEqual([])
  })

  it('finds a seat in two acknowledged orders', () => {
    const { ledger, observed } = books()
    ledger.acknowledged(hold('h4', 'A-1-3'), 'o4')
    const ordersById = new Map(ledger.orders.map((order) => [order.orderId, order]))
    const checks = auditTicketing(ledger, { ...observed, ordersById })
    expect(checks[0]).toEqual({
      promise: 'no seat sold twice',
      passed: false,
      detail: 'A-1-3 in orders o2 and o4; A-1-3 in two stored orders',
    })
  })

  it('finds an acknowledged order that is missing, has other seats, or is somebody else’s', () => {
    const { ledger, observed } = books()
    const [first, second] = ledger.orders
    const promise = ['every acknowledged order is there, with its seats']
    for (const entries of [
      [first!],
      [first!, { ...second!, seatIds: ['A-1-9'] }],
      [first!, { ...second!, customerId: 'bob' }],
    ]) {
      const ordersById = new Map(entries.map((order) => [order.orderId, order]))
      expect(failures(ledger, { ...observed, ordersById })).toEqual(promise)
    }
  })

  it('finds an acknowledged seat that is not sold', () => {
    const { ledger, observed } = books()
    const lost = { ...observed, soldSeatIds: ['A-1-1', 'A-1-2'], soldInAvailability: 2 }
    expect(failures(ledger, lost)).toEqual([
      'every acknowledged seat is sold in the seat map',
      'the counts of sold seats agree',
    ])
  })

  it('finds a refused confirmation that took effect', () => {
    const { ledger, observed } = books()
    const soldSeatIds = [...observed.soldSeatIds, 'A-1-4']
    const ordersOfRefused = [...observed.ordersOfRefused, { ...hold('h3', 'A-1-4'), orderId: 'o3' }]
    expect(
      failures(ledger, { ...observed, soldSeatIds, soldInAvailability: 4, ordersOfRefused }),
    ).toEqual([
      'no seat is sold that nobody was told about',
      'the counts of sold seats agree',
      'nothing that was refused is there',
    ])
  })

  it('finds a projection that has fallen behind', () => {
    const { ledger, observed } = books()
    expect(failures(ledger, { ...observed, soldInAvailability: 2 })).toEqual([
      'the counts of sold seats agree',
    ])
  })

  it('allows an unanswered confirmation to have gone either way', () => {
    const { ledger, observed } = books()
    ledger.outcomeUnknown(hold('h5', 'A-1-5'))
    expect(failures(ledger, observed)).toEqual([])
    const order = { ...hold('h5', 'A-1-5'), orderId: 'o5' }
    const landed = {
      ...observed,
      soldSeatIds: [...observed.soldSeatIds, 'A-1-5'],
      soldInAvailability: 4,
      ordersOfRefused: [...observed.ordersOfRefused, order],
    }
    expect(failures(ledger, landed)).toEqual([])
  })

  it('finds one order acknowledged for two holds, and seats that vanished', () => {
    const { ledger, observed } = books()
    ledger.acknowledged(hold('h6', 'A-1-1', 'A-1-2'), 'o1')
    expect(failures(ledger, { ...observed, seats: 9 })).toEqual([
      'every confirmation has an order of its own',
      'every event has all its seats',
    ])
  })
})
