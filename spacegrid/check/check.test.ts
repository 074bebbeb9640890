import type { Value } from '@spacegrid/grid/core/data-types'
import { shapeOf } from '@spacegrid/grid/core/shape'
import { EmbeddedEnvironment } from '@spacegrid/grid/drivers/embedded/embedded-environment'
import { EmbeddedPlace } from '@spacegrid/grid/drivers/embedded/embedded-place'
import { EmbeddedStore } from '@spacegrid/grid/drivers/embedded/embedded-store'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { defineCache, defineCommand, defineSpace, Type } from 'spacegrid'
import { describe, expect, test } from 'vitest'
import { EmbeddedGrid } from '../embedded/embedded-grid.ts'
import { checkStored } from './check-stored.ts'
import { checkText } from './check-text.ts'
import { SpaceChecker } from './space-check.ts'

const id = Type.String()
const items = defineCache('items', {
  schema: Type.Object({ id, size: Type.Integer(), note: Type.Optional(Type.String()) }),
  key: 'id',
  indexes: { bySize: ['size'] },
})
const add = defineCommand('add', {
  input: Type.Object({ from: Type.Integer(), to: Type.Integer() }),
  handler: (tx, { from, to }) => {
    for (let n = from; n < to; n++) tx.put(items, { id: `i${n}`, size: n })
  },
})
const present = defineSpace('shop', { caches: [items], commands: [add] })

const withItems = (options: object) =>
  defineSpace('shop', {
    caches: [
      defineCache('items', {
        schema: Type.Object({ id, size: Type.Integer() }),
        key: 'id',
        ...options,
      }),
    ],
  })

function check(space: typeof present, ...values: Value[]) {
  const checker = new SpaceChecker(space, shapeOf(present))
  for (const value of values) checker.look('items', value.id as string, value)
  return checker.result()
}

describe('what a definition would do', () => {
  test('nothing new: everything is kept', () => {
    const { caches, ...rest } = check(present, { id: 'a', size: 1 })
    expect(rest).toEqual({
      space: 'shop',
      holds: true,
      conflict: undefined,
      additions: [],
      notes: [],
    })
    expect(caches).toEqual([
      { cache: 'items', entries: 1, kept: 1, renamed: 0, defaulted: 0, upcast: 0, findings: [] },
    ])
  })

  test('fields come, go, are renamed and are upcast', () => {
    const wider = withItems({
      schema: Type.Object({ id, extent: Type.Integer(), color: Type.String() }),
      renamed: { size: 'extent' },
      defaults: { color: 'none' },
      indexes: { byExtent: ['extent'] },
    })
    const { additions, notes, caches } = check(wider, { id: 'a', size: 1 }, { id: 'b', size: 2 })
    expect(additions).toEqual([
      'cache items: index byExtent (size)',
      'cache items: field color (string)',
    ])
    expect(notes.map(({ message }) => message)).toEqual([
      'cache items: note is of another version: it is kept where it stands',
    ])
    expect(caches).toMatchObject([{ entries: 2, renamed: 2, findings: [] }])
    const upcast = (stored: Value) => ({ id: String(stored.id), size: `${stored.size}` })
    const text = withItems({ schema: Type.Object({ id, size: Type.String() }), upcast })
    expect(check(text, { id: 'a', size: 1 })).toMatchObject({
      holds: true,
      caches: [{ upcast: 1 }],
    })
  })

  test('what it cannot read is named with keys, what contradicts the log with the cache', () => {
    const narrower = withItems({ schema: Type.Object({ id, size: Type.Integer({ maximum: 5 }) }) })
    const values = Array.from({ length: 9 }, (_, n) => ({ id: `i${n}`, size: n }))
    const found = check(narrower, ...values)
    expect(found.holds).toBe(false)
    expect(found.caches[0]?.findings).toEqual([
      {
        how: 'unreadable',
        field: 'size',
        message: 'must be <= 5',
        entries: 3,
        keys: ['i6', 'i7', 'i8'],
      },
    ])
    const other = check(withItems({ indexes: { bySize: ['id'] } }))
    expect(other).toMatchObject({
      holds: false,
      conflict: 'cache items: index bySize is size in the log, id in this application',
    })
    const upcast = (stored: Value) => ({ id: String(stored.id), size: 0 })
    const moved = withItems({ indexes: { bySize: ['size'] }, upcast })
    expect(check(moved, { id: 'a', size: 'x' })).toMatchObject({
      holds: false,
      caches: [{ findings: [{ how: 'unindexed', field: 'size', keys: ['a'] }] }],
    })
  })
})

test('an embedded grid is checked where it is kept: a sample, or everything', async () => {
  const folder = await temporaryFolder('check')
  const grid = new EmbeddedGrid([present], { dataDirectory: folder, unitsPerSpace: 1 })
  grid.start()
  await waitFor(() => grid.readiness().ready, { what: 'the grid' })
  const [unit] = grid.units
  await unit?.execute('add', { from: 0, to: 50 }, { acknowledge: 'persisted' })
  await grid.stop()

  const environment = new EmbeddedEnvironment(folder)
  const clock = new SystemClock()
  const log = new EmbeddedPlace(environment, 'shop-log', clock)
  const store = new EmbeddedStore(environment, 'store', clock)
  const narrower = withItems({ schema: Type.Object({ id, size: Type.Integer({ maximum: 48 }) }) })
  const look = (space: typeof present, full: boolean) =>
    checkStored(space, { log, store, clock }, { full, sampleEntries: 20 })
  const sampled = await look(present, false)
  expect(sampled).toMatchObject({ holds: true, isFull: false, caches: [{ entries: 20 }] })
  expect(checkText(sampled)).toMatch(/^shop: fits \(a sample of the entries as stored at position/)
  const full = await look(narrower, true)
  expect(full).toMatchObject({ holds: false, isFull: true, caches: [{ entries: 50, kept: 49 }] })
  expect(checkText(full)).toContain('cache items: 1 unreadable: size must be <= 48 (such as "i49")')
  const nowhere = await checkStored(
    defineSpace('other', { caches: [items] }),
    { log: new EmbeddedPlace(environment, 'other-log', clock), store, clock },
    { full: true },
  )
  expect(nowhere).toMatchObject({ holds: true, position: undefined, additions: ['cache items'] })
  expect(checkText(nowhere)).toContain('other: fits (nothing is stored yet)')
  await log.close()
  await store.close()
  await environment.close()
})
