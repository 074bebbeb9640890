import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { pointsText } from '@spacegrid/grid/core/resume-point'
import type { FollowFilter, LiveServing } from '@spacegrid/grid/doors/request/live'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { expect, test } from 'vitest'
import { EmbeddedGrid } from './embedded-grid.ts'

const counters = defineCache('counters', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
})
const count = defineCommand('count', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    const { count } = tx.get(counters, id) ?? { count: 0 }
    tx.put(counters, { id, count: count + 1 })
    tx.emit('Counted', { id, count: count + 1 })
    if (count % 2 === 0) tx.emit('Odd', { id })
  },
})

/** Follows from an id on until so many have been told; then its resets, and the last id. */
async function follow(live: LiveServing, id: string, wanted: number, filter: FollowFilter = {}) {
  const following = live.follow(filter, id)
  const told: string[] = []
  const ids: string[] = []
  const resets: string[] = []
  while (told.length < wanted && resets.length === 0) {
    const { happenings, reset } = await following.next()
    if (reset) resets.push(reset)
    for (const happening of happenings) {
      if (happening.kind === 'event')
        told.push(`${happening.name} ${JSON.stringify(happening.payload)}`)
      ids.push(pointsText([happening.point], 'events', false))
    }
  }
  following.close()
  return { told, ids, resets }
}

// docs/live.md, "Coming back".
test('domain events from before a restart are told to whoever comes back, from any place on', async () => {
  const space = defineSpace('counting', { caches: [counters], commands: [count] })
  const dataDirectory = await temporaryFolder('resumed')
  const start = async () => {
    const grid = new EmbeddedGrid([space], { dataDirectory })
    grid.start()
    const [unit] = grid.units
    if (!unit) throw new Error('there is no unit')
    await waitFor(() => unit.readiness().ready, { what: 'a unit', timeoutMs: 20_000 })
    return { grid, unit }
  }
  const first = await start()
  const { position } = await first.unit.execute('count', { id: 'before' })
  for (let at = 0; at < 30; at++) await first.unit.execute('count', { id: `${at % 7}` })
  await first.grid.stop()

  const second = await start()
  for (let at = 0; at < 10; at++) await second.unit.execute('count', { id: `${at % 7}` })
  // Nobody has followed in this process: of all that, nothing is remembered.
  // 40 counts of 7 counters, and every other one of each besides.
  const all = await follow(second.unit.live, `${position}`, 40 + 23)
  expect(all.resets).toEqual([])
  expect(all.told.filter((text) => text.startsWith('Counted'))).toHaveLength(40)
  for (const [at, id] of all.ids.entries()) {
    const rest = all.told.slice(at + 1)
    if (at % 5 === 0)
      expect(await follow(second.unit.live, id, rest.length)).toMatchObject({
        told: rest,
        resets: [],
      })
  }
  const odd = all.told.filter((text) => text.startsWith('Odd'))
  const named = await follow(second.unit.live, `${position}`, odd.length, { events: ['Odd'] })
  expect(named.told).toEqual(odd)
  // With changes of entries, which the change queue has not: from the log.
  const entries = { entries: { cache: 'counters', fields: 'all' as const } }
  const both = await follow(second.unit.live, `${position}`, all.told.length, entries)
  expect(both).toMatchObject({ told: all.told, resets: [] })
  // 40 changes of entries beside.
  expect(both.ids).toHaveLength(all.told.length + 40)
  await second.grid.stop()
})
