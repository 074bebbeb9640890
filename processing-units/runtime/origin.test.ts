import { setImmediate as turn } from 'node:timers/promises'
import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { defineEvent } from '@spacegrid/grid/core/define-event'
import { defineProcess } from '@spacegrid/grid/core/define-process'
import { UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { expect, test } from 'vitest'
import { asGrid, isOfGrid } from './origin.ts'
import { PartitionedWorld } from './partitions/test-support/partitioned-world.ts'

const caller = { name: undefined, origin: { door: 'http', address: '', credential: '' } } as const

/** Which callbacks ran, and whether the grid has begun what they left behind. */
const left = new Map<string, boolean>()
const leave = (name: string): void => {
  left.set(name, true)
  void turn().then(() => left.set(name, isOfGrid()))
}

const things = defineCache('things', {
  schema: Type.Object({ id: Type.String(), until: Type.Integer() }),
  key: 'id',
  expiry: 'until',
  onExpire: (tx, { id }) => {
    leave('onExpire')
    tx.delete(things, id)
  },
})
const input = Type.Object({})
const put = defineCommand('put', {
  input,
  handler: (tx) => {
    leave('handler')
    tx.put(things, { id: 'a', until: tx.now + 1000 })
    tx.emit(happened, { id: 'a' })
    return 1
  },
  answer: () => {
    leave('answer')
    return 1
  },
})
const happened = defineEvent('Happened', Type.Object({ id: Type.String() }))
const note = defineCommand('note', { input: Type.Object({ id: Type.String() }), handler: () => 1 })
const calling = defineProcess('calling', {
  on: happened,
  steps: (steps) =>
    steps
      .call('outside', {
        run: async () => {
          leave('call')
          return { n: 1 }
        },
      })
      .command('inside', {
        command: note,
        input: ({ event }) => {
          leave('input of a step')
          return event
        },
      }),
})
const look = defineQuery('look', {
  input,
  handler: () => {
    leave('query')
    return 1
  },
})
const space = defineSpace('left', {
  caches: [things],
  commands: [put, note],
  queries: [look],
  reactions: [calling],
})

const total = defineQuery('total', {
  input,
  everyPartition: {
    merge: () => {
      leave('merge')
      return 1
    },
  },
  handler: () => {
    leave('query of a partition')
    return 1
  },
})
const divided = defineSpace('parts', { partitions: 2, caches: [], commands: [], queries: [total] })

test('what a callback leaves behind was not begun by the grid, everything else was', async () => {
  const told = await asGrid(async () => {
    const world = new UnitWorld(space)
    const { unit } = await world.startReady()
    await world.settled(unit.execute('put', {}))
    await world.settled(unit.query('look', {}, { caller }))
    await world.until(() => left.has('onExpire') && left.has('input of a step'))
    await world.stop()
    const parts = new PartitionedWorld(divided)
    const { unit: one } = parts.start()
    await parts.until(() => one.readiness().ready)
    await parts.settled(one.query('total', {}, { caller }))
    await turn()
    return isOfGrid()
  })
  expect(told).toBe(true)
  expect(isOfGrid()).toBe(false)
  expect(Object.fromEntries(left)).toEqual({
    ...{ handler: false, answer: false, query: false, onExpire: false },
    ...{ call: false, 'input of a step': false, merge: false, 'query of a partition': false },
  })
})
