import type { AnyCommand, Reader } from 'spacegrid'
import { defineCache, defineCommand, defineSpace, Type } from 'spacegrid'
import { defineSimulation, type Invariant } from 'spacegrid/testing'
import { type Mistake, mistake } from '../mistake.ts'

const holdMs = 400

const seats = defineCache('seats', {
  schema: Type.Object({
    id: Type.String(),
    status: Type.String(),
    holder: Type.Optional(Type.String()),
    price: Type.Optional(Type.Integer()),
  }),
  key: 'id',
  indexes: { byStatus: ['status', 'id'], all: ['id'] },
})
const counters = defineCache('counters', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
  indexes: { all: ['id'] },
})
const orders = defineCache('orders', {
  schema: Type.Object({
    id: Type.String(),
    seat: Type.String(),
    quantity: Type.Integer(),
    amount: Type.Optional(Type.String()),
  }),
  key: 'id',
  indexes: {
    bySeat: ['seat'],
    byAmount: ['amount', 'id'],
    bySeatAmount: ['seat', 'quantity'],
    all: ['id'],
  },
})
const holdsOf = (isWrong: boolean) => {
  const holds = defineCache('holds', {
    schema: Type.Object({ id: Type.String(), seat: Type.String(), until: Type.Integer() }),
    key: 'id',
    indexes: { all: ['id'] },
    expiry: 'until',
    onExpire(tx, { id, seat }) {
      tx.delete(holds, id)
      if (!isWrong) tx.put(seats, { id: seat, status: 'free' })
    },
  })
  return holds
}

const seat = Type.Object({ seat: Type.String() })
const onePerSeat = (read: Reader): true | string => {
  const sold = read.range(orders, 'all').map(({ seat }) => seat)
  const twice = sold.find((one, at) => sold.indexOf(one) !== at)
  return twice === undefined || `seat ${twice} is sold twice`
}

/** Reserves nothing: the order comes later, and looks no more. */
const checkThenAct = (isWrong: boolean) => {
  const reserve = defineCommand('reserve', {
    input: seat,
    handler: (tx, { seat }) => {
      if (tx.get(seats, seat)?.status === 'sold') tx.reject('sold')
      return { seat }
    },
  })
  const pay = defineCommand('pay', {
    input: seat,
    handler: (tx, { seat }) => {
      if (!isWrong && tx.get(seats, seat)?.status === 'sold') tx.reject('sold')
      tx.put(seats, { id: seat, status: 'sold' })
      tx.put(orders, { id: tx.newId(), seat, quantity: 1 })
    },
  })
  return simulation('checkThenAct', [reserve, pay], { onePerSeat })
}

const simulation = (
  name: string,
  commands: readonly AnyCommand[],
  invariants: Readonly<Record<string, Invariant>>,
) =>
  defineSimulation(defineSpace(name, { caches: [seats, orders, counters], commands }), {
    invariants,
  })

/** How many there are is peeked at; the count itself is an operation, so nothing collides. */
const peekedLimit = (isWrong: boolean) => {
  const most = 3
  const join = defineCommand('join', {
    input: Type.Object({ id: Type.String() }),
    handler: (tx, { id }) => {
      const { count } = (isWrong ? tx.peek(counters, id) : tx.get(counters, id)) ?? { count: 0 }
      if (count >= most) tx.reject('full')
      tx.increment(counters, id, 'count', 1, { initial: { id, count: 0 } })
    },
  })
  return simulation('peekedLimit', [join], {
    limit: (read) => read.range(counters, 'all').every(({ count }) => count <= most) || 'too many',
  })
}

const peekedName = (isWrong: boolean) => {
  const register = defineCommand('register', {
    input: Type.Object({ id: Type.String(), holder: Type.String() }),
    handler: (tx, { id, holder }) => {
      if (isWrong ? tx.peek(seats, id) : tx.get(seats, id)) tx.reject('taken')
      tx.put(seats, { id, status: 'taken', holder })
    },
  })
  const leave = defineCommand('leave', {
    input: Type.Object({ id: Type.String() }),
    handler: (tx, { id }) => {
      if (!tx.get(seats, id)) tx.reject('unknown')
      tx.delete(seats, id)
    },
  })
  return simulation('peekedName', [register, leave], {})
}

const offByOne = (isWrong: boolean) => {
  const most = 4
  const buy = defineCommand('buy', {
    input: Type.Object({ id: Type.String() }),
    handler: (tx, { id }) => {
      const count = tx.get(counters, id)?.count ?? 0
      if (isWrong ? count > most : count >= most) tx.reject('limit')
      tx.put(counters, { id, count: count + 1 })
    },
  })
  return simulation('offByOne', [buy], {
    limit: (read) => read.range(counters, 'all').every(({ count }) => count <= most) || 'too many',
  })
}

/** The highest bid for a seat, looked for in an index of all bids. */
const wrongIndex = (isWrong: boolean) => {
  const bid = defineCommand('bid', {
    input: Type.Object({
      seat: Type.String(),
      quantity: Type.Integer({ minimum: 1, maximum: 50 }),
    }),
    handler: (tx, { seat, quantity }) =>
      tx.put(orders, { id: tx.newId(), seat, quantity, amount: `${quantity}` }),
  })
  const award = defineCommand('award', {
    input: seat,
    handler: (tx, { seat }) => {
      const last = { reverse: true, limit: 1 }
      const [best] = isWrong
        ? tx.range(orders, 'byAmount', last)
        : tx.range(orders, 'bySeatAmount', { equals: [seat], ...last })
      if (!best) return tx.reject('no_bid')
      tx.put(seats, { id: seat, status: 'sold', holder: best.id })
    },
  })
  return simulation('wrongIndex', [bid, award], {
    ownBid: (read) => {
      const odd = read
        .range(seats, 'all')
        .find(({ id, holder }) => read.get(orders, holder ?? '')?.seat !== id)
      return odd === undefined || `seat ${odd.id} goes to a bid for another one`
    },
  })
}

/** Numbers kept as texts: 9 comes behind 10. */
const textOrder = (isWrong: boolean) => {
  const raise = defineCommand('raise', {
    input: Type.Object({ seat: Type.String(), price: Type.Integer({ minimum: 1, maximum: 50 }) }),
    handler: (tx, { seat, price }) => {
      const present = tx.get(seats, seat)
      const isMore = isWrong
        ? `${price}` > `${present?.price ?? ''}`
        : price > (present?.price ?? 0)
      if (!isMore) tx.reject('too_low')
      tx.put(seats, { id: seat, status: 'open', price })
      tx.put(orders, { id: tx.newId(), seat, quantity: price })
    },
  })
  return simulation('textOrder', [raise], {
    highest: (read) => {
      const low = read
        .range(seats, 'all')
        .find(({ id, price = 0 }) =>
          read.range(orders, 'bySeat', { equals: [id] }).some(({ quantity }) => quantity > price),
        )
      return low === undefined || `${low.id} stands at ${low.price}, there was a higher price`
    },
  })
}

const doubled = (isWrong: boolean) => {
  const hold = defineCommand('hold', {
    input: Type.Object({ seats: Type.Array(Type.String(), { minItems: 1, maxItems: 3 }) }),
    handler: (tx, input) => {
      const ids = isWrong ? input.seats : [...new Set(input.seats)]
      const holder = tx.newId()
      for (const id of ids) if (tx.get(seats, id)) tx.reject('taken')
      for (const id of ids) tx.put(seats, { id, status: 'held', holder })
      tx.put(orders, { id: holder, seat: ids[0] as string, quantity: ids.length })
    },
  })
  return simulation('doubled', [hold], {
    asManyAsPaid: (read) => {
      const held = Map.groupBy(read.range(seats, 'all'), ({ holder }) => holder)
      const odd = read
        .range(orders, 'all')
        .find(({ id, quantity }) => held.get(id)?.length !== quantity)
      return odd === undefined || `order ${odd.id} pays for ${odd.quantity} seats`
    },
  })
}

/** So many were asked for; how many were taken, nobody looks. */
const fewerTaken = (isWrong: boolean) => {
  const add = defineCommand('add', {
    input: seat,
    handler: (tx, { seat }) => {
      if (tx.get(seats, seat)) tx.reject('exists')
      tx.put(seats, { id: seat, status: 'free' })
    },
  })
  const buy = defineCommand('buy', {
    input: Type.Object({ quantity: Type.Integer({ minimum: 1, maximum: 4 }) }),
    handler: (tx, { quantity }) => {
      const holder = tx.newId()
      const range = { equals: ['free'] as const, limit: quantity }
      const atLeast = isWrong ? 1 : quantity
      tx.take(seats, 'byStatus', range, { status: 'sold', holder }, { atLeast })
      tx.put(orders, { id: holder, seat: 'any', quantity })
    },
  })
  return simulation('fewerTaken', [add, buy], {
    asManyAsPaid: (read) => {
      const held = Map.groupBy(read.range(seats, 'all'), ({ holder }) => holder)
      const odd = read
        .range(orders, 'all')
        .find(({ id, quantity }) => held.get(id)?.length !== quantity)
      return odd === undefined || `order ${odd.id} is for ${odd.quantity} seats, and has fewer`
    },
  })
}

const dangling = (isWrong: boolean) => {
  const order = defineCommand('order', {
    input: seat,
    handler: (tx, { seat }) => {
      if (!tx.get(seats, seat)) tx.put(seats, { id: seat, status: 'sold' })
      tx.put(orders, { id: tx.newId(), seat, quantity: 1 })
    },
  })
  const drop = defineCommand('drop', {
    input: seat,
    handler: (tx, { seat }) => {
      if (!tx.get(seats, seat)) tx.reject('unknown')
      tx.delete(seats, seat)
      if (isWrong) return
      for (const { id } of tx.range(orders, 'bySeat', { equals: [seat] })) tx.delete(orders, id)
    },
  })
  return defineSimulation(
    defineSpace('dangling', { caches: [seats, orders], commands: [order, drop] }),
    {
      rangeEntriesMax: 1000,
      invariants: {
        seatsOfOrders: (read) =>
          read.range(orders, 'all').every(({ seat }) => read.get(seats, seat)) ||
          'an order is for a seat that is not there',
      },
    },
  )
}

const forgottenCount = (isWrong: boolean) => {
  const initial = { id: 'sold', count: 0 }
  const buy = defineCommand('buy', {
    input: seat,
    handler: (tx, { seat }) => {
      if (tx.get(seats, seat)) tx.reject('sold')
      tx.put(seats, { id: seat, status: 'sold' })
      tx.increment(counters, 'sold', 'count', 1, { initial })
    },
  })
  const cancel = defineCommand('cancel', {
    input: seat,
    handler: (tx, { seat }) => {
      if (!tx.get(seats, seat)) tx.reject('unknown')
      tx.delete(seats, seat)
      if (!isWrong) tx.increment(counters, 'sold', 'count', -1)
    },
  })
  return simulation('forgottenCount', [buy, cancel], {
    counted: (read) => {
      const { count } = read.get(counters, 'sold') ?? initial
      return count === read.count(seats) || `${read.count(seats)} are sold, not ${count}`
    },
  })
}

/**
 * Seats that are held for a moment: who confirms too late has lost them; and they must become free
 * again.
 */
const holding = (name: string, isLateWrong: boolean, isExpiryWrong: boolean) => {
  const holds = holdsOf(isExpiryWrong)
  const hold = defineCommand('hold', {
    input: seat,
    handler: (tx, { seat }) => {
      const status = tx.get(seats, seat)?.status ?? 'free'
      if (status !== 'free') tx.reject('taken')
      const holder = tx.newId()
      tx.put(holds, { id: holder, seat, until: tx.now + holdMs })
      tx.put(seats, { id: seat, status: 'held', holder })
      return { holder, seat }
    },
  })
  const confirm = defineCommand('confirm', {
    input: Type.Object({ holder: Type.String(), seat: Type.String() }),
    handler: (tx, { holder, seat }) => {
      const held = tx.get(holds, holder)
      if (!held && !isLateWrong) tx.reject('expired')
      if (held && held.seat !== seat) tx.reject('other_seat')
      if (tx.get(seats, seat)?.status === 'sold') tx.reject('sold')
      tx.delete(holds, holder)
      tx.put(seats, { id: seat, status: 'sold', holder })
    },
  })
  return defineSimulation(
    defineSpace(name, { caches: [seats, holds], commands: [hold, confirm] }),
    {
      invariants: {
        heldSeats: (read) => {
          const odd = read
            .range(holds, 'all')
            .find(({ id, seat }) => read.get(seats, seat)?.holder !== id)
          return odd === undefined || `hold ${odd.id} has lost its seat ${odd.seat}`
        },
        holdsOfSeats: (read) => {
          const odd = read
            .range(seats, 'byStatus', { equals: ['held'] })
            .find(({ holder }) => !read.get(holds, holder ?? ''))
          return odd === undefined || `seat ${odd.id} is held by nobody`
        },
      },
    },
  )
}

export const seatMistakes: readonly Mistake[] = [
  mistake(
    'check-then-act',
    'one command looks, another one acts on it',
    ['invariant'],
    checkThenAct,
  ),
  mistake(
    'peeked-limit',
    'a limit is compared with what was peeked at',
    ['invariant'],
    peekedLimit,
  ),
  mistake('peeked-name', 'whether a name is taken is peeked at', ['lost update'], peekedName),
  mistake('off-by-one', 'one more than the limit', ['invariant'], offByOne),
  mistake(
    'wrong-index',
    'the last entry of an index that is not of this key',
    ['invariant'],
    wrongIndex,
  ),
  mistake('text-order', 'numbers compared as texts', ['invariant'], textOrder),
  mistake('doubled', 'a list that names the same thing twice', ['invariant'], doubled),
  mistake('fewer-taken', 'a take gives fewer than were asked for', ['invariant'], fewerTaken),
  mistake('dangling', 'what refers to a deleted entry stays', ['invariant'], dangling),
  mistake('forgotten-count', 'a count that is not taken back', ['invariant'], forgottenCount),
  mistake(
    'late-confirmation',
    'a hold is confirmed when its time was up',
    ['invariant'],
    (isWrong) => holding('lateConfirmation', isWrong, false),
  ),
  mistake('held-for-ever', 'what has expired leaves its seat held', ['invariant'], (isWrong) =>
    holding('heldForEver', false, isWrong),
  ),
]
