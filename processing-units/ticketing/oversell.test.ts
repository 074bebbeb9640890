import fc from 'fast-check'
import { Rejection } from 'spacegrid'
import type { HarnessUnit, StartedCommand } from 'spacegrid/testing'
import { SpaceHarness } from 'spacegrid/testing'
import { expect, test } from 'vitest'
import { audit } from './audit.ts'
import { type BestAnswer, best, concert } from './box-office.ts'
import { orders, seats } from './caches.ts'
import { holds } from './holds.ts'
import { createTicketing, type Ticketing } from './space.ts'

const holdMs = 20_000

/** Few seats and fewer customers, so that they get in each other's way. */
const sections = [
  { section: 'A', rows: 2, seatsPerRow: 4, price: 100 },
  { section: 'B', rows: 1, seatsPerRow: 4, price: 70 },
]
const seatIds = ['A-1-1', 'A-1-2', 'A-1-3', 'A-1-4', 'A-2-1', 'A-2-2', 'B-1-1', 'B-1-2']

const unit = fc.constantFrom('one', 'two', 'three')
const customerId = fc.constantFrom('ann', 'bob', 'eve')
/** Which of the holds or orders known so far. */
const pick = fc.nat({ max: 5 })

const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('best' as const),
      unit,
      section: fc.constantFrom('A', 'B'),
      quantity: fc.integer({ min: 1, max: 5 }),
      customerId,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      unit,
      seatIds: fc.uniqueArray(fc.constantFrom(...seatIds), { minLength: 1, maxLength: 4 }),
      customerId,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('confirm' as const), unit, pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), unit, pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), unit, pick }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('meld' as const), unit }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('expire' as const), unit }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, holdMs / 2 - 1, holdMs / 2),
      expire: fc.boolean(),
    }),
  },
)

type Action = typeof action extends fc.Arbitrary<infer A> ? A : never

/** Three units at an on-sale, and what their customers have been told. */
class OnSale {
  readonly grid = new SpaceHarness(createTicketing({ holdMs }))
  readonly #holds: StartedCommand<{ holdId: string }>[] = []
  readonly #best: StartedCommand<BestAnswer>[] = []
  readonly #confirmations: StartedCommand<{ orderId: string }>[] = []
  readonly #cancellations = new Set<string>()

  constructor() {
    this.grid.execute('createEvent', { ...concert, sections })
  }

  do(action: Action): void {
    if (action.kind === 'wait') {
      this.grid.advance(action.ms, { expire: action.expire })
      return
    }
    const unit = this.grid.unit(action.unit)
    if (action.kind === 'meld') unit.meld()
    else if (action.kind === 'expire') unit.expire()
    else if (action.kind === 'best') {
      const { section, quantity, customerId } = action
      const input = best(section, quantity, customerId)
      const started = unit.start('holdBestAvailable', input)
      this.#best.push(started)
      this.#holds.push(started)
    } else if (action.kind === 'hold') {
      const { seatIds, customerId } = action
      this.#holds.push(unit.start('holdSeats', { eventId: 'concert', seatIds, customerId }))
    } else if (action.kind === 'cancel') this.#cancel(unit, action.pick)
    else this.#endHold(unit, action)
  }

  #cancel(unit: HarnessUnit<Ticketing>, pick: number): void {
    const orderId = recent(this.#confirmations, pick)?.orderId
    if (orderId === undefined) return
    this.#cancellations.add(orderId)
    unit.start('cancelOrder', { orderId })
  }

  #endHold(
    unit: HarnessUnit<Ticketing>,
    { kind, pick }: { kind: 'confirm' | 'release'; pick: number },
  ): void {
    const holdId = recent(this.#holds, pick)?.holdId
    if (holdId === undefined) return
    if (kind === 'release') unit.start('releaseHold', { holdId })
    else this.#confirmations.push(unit.start('confirmHold', { holdId, paymentReference: 'paid' }))
  }

  /** What no caller may experience. */
  brokenPromises(): string[] {
    const lost = answers(this.#confirmations)
      .filter(({ orderId }) => !this.#cancellations.has(orderId))
      .filter(({ orderId }) => this.grid.read.get(orders, orderId)?.status !== 'confirmed')
      .map(({ orderId }) => `order ${orderId} was acknowledged and is not there`)
    const collided = this.#best
      .filter(({ attempts }) => attempts > 1)
      .map(({ attempts }) => `holdBestAvailable ran ${attempts} times`)
    return [...lost, ...collided]
  }
}

/** The answers to those that were decided and not rejected. */
function answers<T>(commands: readonly StartedCommand<T>[]): T[] {
  return commands.flatMap((command) => {
    if (!command.settled) return []
    try {
      return [command.result()]
    } catch (error) {
      if (error instanceof Rejection) return []
      throw error
    }
  })
}

const recent = <T>(commands: readonly StartedCommand<T>[], back: number): T | undefined =>
  answers(commands).at(-1 - back)

// architecture.md, invariants 1 to 4, as an application sees them.
test('no interleaving of units sells a seat twice or loses one', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 5, maxLength: 40 }), (actions) => {
      const sale = new OnSale()
      for (const action of actions) {
        sale.do(action)
        expect(audit(sale.grid)).toEqual([])
      }
      sale.grid.settle()
      expect([...audit(sale.grid), ...sale.brokenPromises()]).toEqual([])
      sale.grid.advance(holdMs)
      expect(sale.grid.read.count(holds)).toBe(0)
      expect(sale.grid.read.count(seats)).toBe(12)
      expect(audit(sale.grid)).toEqual([])
    }),
    { numRuns: 500 },
  )
})

test('an on-sale is sold out to the last seat, whoever is quickest', () => {
  const grid = new SpaceHarness(createTicketing({ holdMs }))
  grid.execute('createEvent', { ...concert, sections })
  const units = ['one', 'two', 'three', 'four']
  const wanted = Array.from({ length: 40 }, (_, i) => {
    const name = units[i % units.length] as string
    return grid.unit(name).start('holdBestAvailable', best('A', 1, `customer-${i}`))
  })
  grid.settle()
  const sold = answers(wanted).flatMap(({ seatIds }) => seatIds)
  expect(sold).toHaveLength(8)
  expect(new Set(sold).size).toBe(8)
  expect(audit(grid)).toEqual([])
})
