import { createAuction } from '@spacegrid/auction/space'
import type { Space } from '@spacegrid/grid/core/definition'
import { createTicketing } from '@spacegrid/ticketing/space'
import { defineCache, defineCommand, defineSpace, Type } from 'spacegrid'

/** One unit's commands, as the work gives them. */
export interface Asking {
  /** False: the application has refused. */
  execute(command: string, input: unknown): Promise<{ readonly result: unknown } | undefined>
}

/** Commands that meet in a number of entries. */
export interface Work {
  readonly name: string
  readonly space: Space
  prepare(asking: Asking, entries: number): Promise<void>
  /**
   * One user's commands. Each is counted, and those that were accepted as updates.
   * @param entry which one it is about
   * @param number of the user, unlike any other's
   */
  ask(asking: Asking, entry: number, number: number): Promise<void>
}

const items = defineCache('items', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
})
const id = Type.String()
const fill = defineCommand('fill', {
  input: Type.Object({ count: Type.Integer() }),
  handler: (tx, { count }) => {
    for (let item = 0; item < count; item += 1) tx.put(items, { id: `item-${item}`, count: 0 })
  },
})

/** Reads an entry and writes it: what no operation expresses. */
const touch = (affinity: boolean) =>
  defineCommand('touch', {
    input: Type.Object({ id }),
    ...(affinity ? { affinity: 'id' as const } : {}),
    handler: (tx, input) => {
      const count = (tx.get(items, input.id)?.count ?? 0) + 1
      tx.put(items, { id: input.id, count })
    },
  })

/** The same change, as an operation: worked out where it is melded. */
const increment = defineCommand('touch', {
  input: Type.Object({ id }),
  handler: (tx, input) => void tx.increment(items, input.id, 'count', 1),
})

const touching = (name: string, command: ReturnType<typeof touch>): Work => ({
  name,
  space: defineSpace('items', { caches: [items], commands: [fill, command], queries: [] }),
  prepare: async (asking, count) => void (await asking.execute('fill', { count })),
  ask: async (asking, entry) => void (await asking.execute('touch', { id: `item-${entry}` })),
})

const openMs = 86_400_000

/** Everybody outbids everybody, each in one of so many auctions. */
function bidding(name: string, hasHomes: boolean): Work {
  const auction = createAuction()
  const commands = [...auction.commands.values()].map((command) =>
    hasHomes ? command : { ...command, affinity: undefined },
  )
  const space = { ...auction, commands: new Map(commands.map((it) => [it.name, it])) } as Space
  return {
    name,
    space,
    prepare: async (asking, count) => {
      const shared = { title: 'A thing', startingPrice: 1, minimumIncrement: 1 }
      const endsAt = Date.now() + openMs
      for (let one = 0; one < count; one += 1)
        await asking.execute('openAuction', { ...shared, auctionId: `auction-${one}`, endsAt })
    },
    ask: async (asking, entry, number) => {
      const input = { auctionId: `auction-${entry}`, bidderId: `bidder-${number}` }
      await asking.execute('placeBid', { ...input, amount: (number + 1) * 10 })
    },
  }
}

/** One seat is held and given back, by somebody who has chosen it. */
const holding: Work = {
  name: 'ticketing: holdSeats, then releaseHold',
  space: createTicketing(),
  prepare: createEvent,
  ask: async (asking, entry, number) => {
    const seatIds = [`A-1-${entry + 1}`]
    const input = { eventId: 'event', seatIds, customerId: `customer-${number}` }
    await release(asking, await asking.execute('holdSeats', input))
  },
}

/** The same, of the first seat that is free. */
const holdingBest: Work = {
  name: 'ticketing: holdBestAvailable, then releaseHold',
  space: createTicketing(),
  prepare: createEvent,
  ask: async (asking, _entry, number) => {
    const input = { eventId: 'event', section: 'A', quantity: 1, customerId: `customer-${number}` }
    await release(asking, await asking.execute('holdBestAvailable', input))
  },
}

async function createEvent(asking: Asking, seats: number): Promise<void> {
  const sections = [{ section: 'A', rows: 1, seatsPerRow: seats, price: 100 }]
  const startsAt = Date.now() + openMs
  await asking.execute('createEvent', { eventId: 'event', name: 'Event', startsAt, sections })
}

async function release(asking: Asking, held: { readonly result: unknown } | undefined) {
  if (held === undefined) return
  const { holdId } = held.result as { readonly holdId: string }
  await asking.execute('releaseHold', { holdId })
}

/** What the factors are varied with. */
export const handler: Work = touching('handler: read, then write', touch(false))

/** The same entries and users, done otherwise; and what a ticketing's users do with its seats. */
export const otherWork: readonly Work[] = [
  touching('operation (increment)', increment as ReturnType<typeof touch>),
  holding,
  holdingBest,
]

/** Where a few entries are wanted by all: what home units are for. */
export const hotWork: readonly Work[] = [
  handler,
  touching('handler with home units (affinity)', touch(true)),
  touching('operation (increment)', increment as ReturnType<typeof touch>),
  bidding('auction: placeBid without home units', false),
  bidding('auction: placeBid, as it is (affinity)', true),
]
