import {
  defineCache,
  defineCommand,
  defineEvent,
  defineProcess,
  defineReaction,
  defineSpace,
  type Reader,
  Rejection,
  Type,
} from 'spacegrid'
import { defineSimulation } from 'spacegrid/testing'
import { type Mistake, mistake } from '../mistake.ts'

const id = Type.Object({ id: Type.String() })
const placed = defineEvent('Placed', id)

const orders = defineCache('orders', {
  schema: Type.Object({ id: Type.String(), state: Type.String(), times: Type.Integer() }),
  key: 'id',
  indexes: { all: ['id'] },
})
const parcels = defineCache('parcels', {
  schema: Type.Object({ id: Type.String(), order: Type.String(), at: Type.Number() }),
  key: 'id',
  indexes: { byOrder: ['order'] },
})
const stock = defineCache('stock', {
  schema: Type.Object({ id: Type.String(), left: Type.Integer() }),
  key: 'id',
})

/** A second click is one more time, and tells of it once more. */
const place = defineCommand('place', {
  input: id,
  handler: (tx, { id }) => {
    const { times } = tx.get(orders, id) ?? { times: 0 }
    tx.put(orders, { id, state: 'placed', times: times + 1 })
    tx.emit(placed, { id })
  },
})
/** Whoever orders once more is told so. */
const placeOnce = defineCommand('place', {
  input: id,
  handler: (tx, { id }) => {
    if (tx.get(orders, id)) tx.reject('placed')
    tx.put(orders, { id, state: 'placed', times: 1 })
    tx.emit(placed, { id })
  },
})
const cancel = defineCommand('cancel', {
  input: id,
  handler: (tx, { id }) => {
    const order = tx.get(orders, id) ?? tx.reject('unknown')
    tx.put(orders, { ...order, state: 'cancelled' })
  },
})
const packed = Type.Object({ order: Type.String(), at: Type.Number() })
type Packed = { readonly order: string; readonly at: number }
const pack = (isWrong = false) =>
  defineCommand('pack', {
    input: packed,
    handler: (tx, { order, at }) =>
      tx.put(parcels, { id: isWrong ? tx.newId() : order, order, at }),
  })
const oneParcelEach = (read: Reader): true | string => {
  for (const { id } of read.range(orders, 'all')) {
    const count = read.range(parcels, 'byOrder', { equals: [id] }).length
    if (count > 1) return `order ${id} has ${count} parcels`
  }
  return true
}
const allPacked = (read: Reader): true | string => {
  const open = read.range(orders, 'all').find(({ id }) => !read.get(parcels, id))
  return open === undefined || `order ${open.id} has no parcel`
}

/** What a reaction does is done once for each event; that there are two is its own affair. */
const twoEvents = (isWrong: boolean) => {
  const command = pack(isWrong)
  return defineSimulation(
    defineSpace('twoEvents', {
      caches: [orders, parcels],
      commands: [place, command],
      reactions: [
        defineReaction('packing', {
          on: placed,
          command,
          input: ({ id }, { at }) => ({ order: id, at }),
        }),
      ],
    }),
    { invariants: { parcels: oneParcelEach } },
  )
}

/** Every order gets a parcel. */
const packingSpace = (
  name: string,
  command: ReturnType<typeof pack>,
  input: (event: { readonly id: string }, about: { readonly at: number }) => Packed,
) =>
  defineSimulation(
    defineSpace(name, {
      caches: [orders, parcels],
      commands: [placeOnce, command],
      reactions: [defineReaction('packing', { on: placed, command, input })],
    }),
    { finally: { packed: allPacked } },
  )

const clockInReaction = (isWrong: boolean) =>
  packingSpace('clockInReaction', pack(), ({ id }, { at }) => ({
    order: id,
    at: isWrong ? Date.now() : at,
  }))

let reacted = 0
const countedReaction = (isWrong: boolean) =>
  packingSpace('countedReaction', pack(), ({ id }, { at }) => ({
    order: id,
    at: isWrong ? ++reacted : at,
  }))

const take = defineCommand('take', {
  input: id,
  handler: (tx, { id }) => {
    const { left } = tx.get(stock, 'all') ?? { left: 3 }
    if (left === 0) tx.reject('sold_out')
    tx.put(stock, { id: 'all', left: left - 1 })
    return { ticket: id }
  },
})

/** Nobody has thought of what becomes of an order for which there is nothing left. */
const forgottenRefusal = (isWrong: boolean) =>
  defineSimulation(
    defineSpace('forgottenRefusal', {
      caches: [orders, stock],
      commands: [placeOnce, take, cancel],
      reactions: [
        defineReaction('taking', {
          on: placed,
          command: take,
          input: ({ id }) => ({ id }),
          ...(isWrong
            ? {}
            : { onRejected: { command: cancel, input: (order: { id: string }) => order } }),
        }),
      ],
    }),
  )

/** The order is cancelled, and the money kept. */
const keptMoney = (isWrong: boolean) => {
  const selling = defineProcess('selling', {
    on: placed,
    undo: { command: cancel, input: ({ event: { id } }) => ({ id }) },
    steps: (process) =>
      process
        .call('payment', {
          run: ({ event }) => ({ receipt: event.id }),
          ...(isWrong ? {} : { undo: () => undefined }),
        })
        .command('ticket', { command: take, input: ({ event: { id } }) => ({ id }) }),
  })
  return defineSimulation(
    defineSpace('keptMoney', {
      caches: [orders, stock],
      commands: [placeOnce, take, cancel],
      reactions: [selling],
    }),
    {
      calls: {
        'selling.payment': ({ event }: { event: { id: string } }) => {
          if (event.id.endsWith('1')) throw new Rejection('no_money')
          return { receipt: event.id }
        },
      },
    },
  )
}

/** What packing tells of is what packing follows from. */
const eventsInCircle = (isWrong: boolean) => {
  const told = isWrong ? placed : defineEvent('Packed', id)
  const packAndTell = defineCommand('pack', {
    input: packed,
    handler: (tx, { order, at }) => {
      tx.put(parcels, { id: order, order, at })
      tx.emit(told, { id: order })
    },
  })
  return packingSpace('eventsInCircle', packAndTell, ({ id }, { at }) => ({ order: id, at }))
}

export const reactionMistakes: readonly Mistake[] = [
  mistake(
    'two-events',
    'a reaction makes something new of an event that tells of the same once more',
    ['invariant'],
    twoEvents,
  ),
  mistake(
    'clock-in-reaction',
    'the input of a reaction has the time of whichever attempt it is',
    ['clock'],
    clockInReaction,
  ),
  mistake(
    'counted-reaction',
    'the input of a reaction is another one each time it is asked for',
    ['not repeatable'],
    countedReaction,
  ),
  mistake(
    'forgotten-refusal',
    'a reaction whose command can be refused, and nothing follows from that',
    ['dead letter'],
    forgottenRefusal,
  ),
  mistake(
    'kept-money',
    'a process pays, and does not give back when a later step fails',
    ['not compensated'],
    keptMoney,
  ),
  mistake(
    'events-in-circle',
    'a reaction emits the event that it follows from',
    ['never settles'],
    eventsInCircle,
  ),
]
