import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { hashOfId, partitionHash } from '@spacegrid/grid/core/partition'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, expect, test } from 'vitest'

const input = Type.Object({ account: Type.String() })
const tickets = defineCache('tickets', {
  schema: Type.Object({ ticket: Type.String(), account: Type.String() }),
  key: 'ticket',
  partitionBy: 'account',
})
const draw = defineCommand('draw', {
  input,
  partitionBy: 'account',
  handler: (tx, { account }) => {
    const ticket = tx.newId()
    tx.put(tickets, { ticket, account })
    return { ticket }
  },
})
const redraw = defineCommand('redraw', {
  input: Type.Object({ ticket: Type.String() }),
  partitionBy: { idOf: 'ticket' },
  handler: (tx) => {
    tx.emit('redrawn', {})
    return { ticket: tx.newId() }
  },
})
const two = defineCommand('two', {
  input: Type.Object({ one: Type.String(), other: Type.String() }),
  parts: ({ one, other }) => [
    { command: draw, input: { account: one } },
    { command: draw, input: { account: other } },
  ],
})
const free = defineCommand('free', {
  input,
  handler: (tx) => {
    tx.emit('freed', {})
    return { ticket: tx.newId() }
  },
})
const world = new UnitWorld(
  defineSpace('drawing', {
    caches: [tickets],
    commands: [draw, redraw, two, free],
    queries: [],
  }),
)
afterEach(() => world.stop())

// docs/partitions.md, moving to another number: ids made before find their partition
test('ids of a space with one partition carry the key that they would have in a divided one', async () => {
  const { unit } = await world.startReady()
  const resultOf = async (name: string, given: object) => {
    const { result } = await world.settled(unit.execute(name, given))
    return result
  }
  const { ticket } = (await resultOf('draw', { account: 'a' })) as { ticket: string }
  expect(hashOfId(ticket)).toBe(partitionHash(['a']))
  const again = (await resultOf('redraw', { ticket })) as { ticket: string }
  expect(hashOfId(again.ticket)).toBe(partitionHash(['a']))
  expect(again.ticket).not.toBe(ticket)
  const drawn = (await resultOf('two', { one: 'b', other: 'c' })) as { ticket: string }[]
  expect(drawn.map((one) => hashOfId(one.ticket))).toEqual([
    partitionHash(['b']),
    partitionHash(['c']),
  ])
  // An id of before, or of somebody else.
  for (const [name, given] of [
    ['redraw', { ticket: 'x' }],
    ['free', { account: 'a' }],
  ] as const) {
    const made = (await resultOf(name, given)) as { ticket: string }
    expect(hashOfId(made.ticket)).not.toBe(partitionHash(['a']))
    expect(made.ticket).toMatch(/^\S+$/)
  }
})
