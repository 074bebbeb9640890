import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { EmbeddedGrid } from './embedded-grid.ts'
import { afterEach, expect, test } from 'vitest'

const orders = defineCache('orders', {
  schema: Type.Object({
    id: Type.String(),
    status: Type.Enum(['open', 'closed'], { type: 'string' }),
    closedAt: Type.Optional(Type.Number()),
    notes: Type.Array(Type.String()),
    seen: Type.Integer(),
  }),
  key: 'id',
  indexes: { byStatus: ['status', 'closedAt'] },
  archive: { when: { status: 'closed' }, after: 'closedAt', ms: 0 },
})

const id = Type.Object({ id: Type.String() })

const open = defineCommand('open', {
  input: id,
  handler(tx, { id }) {
    if (tx.get(orders, id)) tx.reject('exists')
    tx.put(orders, { id, status: 'open', notes: [], seen: 0 })
    return {}
  },
})
const close = defineCommand('close', {
  input: id,
  handler(tx, { id }) {
    const order = tx.get(orders, id) ?? tx.reject('not_found')
    tx.put(orders, { ...order, status: 'closed', closedAt: tx.now })
    return {}
  },
})
const look = defineCommand('look', {
  input: id,
  handler: (tx, { id }) => ({ order: tx.get(orders, id) ?? null }),
})
const note = defineCommand('note', {
  input: Type.Object({ id: Type.String(), text: Type.String() }),
  handler(tx, { id, text }) {
    tx.append(orders, id, 'notes', [text], { otherwise: 'not_found' })
    return { seen: tx.increment(orders, id, 'seen', 1, { otherwise: 'not_found' }) }
  },
})
const remove = defineCommand('remove', {
  input: id,
  handler(tx, { id }) {
    tx.delete(orders, id)
    return {}
  },
})
const order = defineQuery('order', {
  input: id,
  handler: (read, { id }) => read.get(orders, id) ?? read.notFound('no such order'),
})

const shop = defineSpace('shop', {
  caches: [orders],
  commands: [open, close, look, note, remove],
  queries: [order],
})

const directories: string[] = []
let grid: EmbeddedGrid | undefined

afterEach(async () => {
  await grid?.stop()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

async function start(dataDirectory = mkdtempSync(join(tmpdir(), 'archive-'))) {
  directories.push(dataDirectory)
  grid = new EmbeddedGrid([shop], {
    dataDirectory,
    tell: (who, e) => process.env.TELL && console.log(who, e.message),
  })
  grid.start()
  await waitFor(() => grid?.readiness().ready === true, { what: 'the grid to be ready' })
  return grid
}

const inMemory = (of: EmbeddedGrid, id: string) =>
  of.units.map((unit) => unit.get(orders, id) !== undefined)

test('what has left memory is given to commands and queries, and comes back when it is written', async () => {
  const grid = await start()
  const [first, second] = grid.units as [EmbeddedGrid['units'][0], EmbeddedGrid['units'][0]]
  await first.execute('open', { id: 'a' })
  await first.execute('close', { id: 'a' })
  await waitFor(() => inMemory(grid, 'a').every((is) => !is), { what: 'it to leave memory' })
  expect((await second.execute('look', { id: 'a' })).result).toMatchObject({
    order: { id: 'a', status: 'closed' },
  })
  expect((await first.query('order', { id: 'a' })).result).toMatchObject({ status: 'closed' })
  await expect(first.query('order', { id: 'b' })).rejects.toMatchObject({ code: 'not_found' })
  await expect(first.execute('open', { id: 'a' })).rejects.toMatchObject({ reason: 'exists' })
  expect((await second.execute('note', { id: 'a', text: 'late' })).result).toEqual({ seen: 1 })
  expect((await first.execute('note', { id: 'a', text: 'later' })).result).toEqual({ seen: 2 })
  expect((await second.execute('look', { id: 'a' })).result).toMatchObject({
    order: { notes: ['late', 'later'], seen: 2 },
  })
  await expect(first.execute('note', { id: 'c', text: 'x' })).rejects.toMatchObject({
    reason: 'not_found',
  })
  await waitFor(() => inMemory(grid, 'a').every((is) => !is), { what: 'it to leave memory' })
  await first.execute('remove', { id: 'a' })
  expect((await second.execute('look', { id: 'a' })).result).toEqual({ order: null })
  await second.execute('open', { id: 'a' })
  expect((await first.execute('look', { id: 'a' })).result).toMatchObject({ order: { seen: 0 } })
})
