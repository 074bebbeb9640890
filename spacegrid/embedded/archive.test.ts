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
import { createHttpServer, type HttpServer } from '@spacegrid/grid/doors/http/http-server'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { afterEach, expect, test } from 'vitest'
import { GridClient, type Transport } from '../client/index.ts'
import { EmbeddedGrid } from './embedded-grid.ts'

const orders = defineCache('orders', {
  schema: Type.Object({
    id: Type.String(),
    status: Type.Enum(['open', 'closed'], { type: 'string' }),
    closedAt: Type.Optional(Type.Number()),
    notes: Type.Array(Type.String()),
    seen: Type.Integer(),
  }),
  key: 'id',
  readable: ['id', 'status', 'closedAt', 'seen'],
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
  grid = new EmbeddedGrid([shop], { dataDirectory })
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

test('several queries, and one that is explained, are given what has left memory', async () => {
  const grid = await start()
  const [unit] = grid.units as [EmbeddedGrid['units'][0]]
  const ids = ['a', 'b', 'c']
  for (const id of ids) await unit.execute('open', { id })
  for (const id of ids) await unit.execute('close', { id })
  await waitFor(() => ids.every((id) => inMemory(grid, id).every((is) => !is)), {
    what: 'them to leave memory',
  })
  const batch = [...ids, 'd'].map((id) => ({ query: 'order', input: { id } }))
  const { answers } = await unit.queries(batch)
  expect(answers).toMatchObject([
    ...ids.map((id) => ({ result: { id, status: 'closed' } })),
    { error: { code: 'not_found' } },
  ])
  const { result, explanation } = await unit.query('order', { id: 'a' }, { explain: true })
  expect(result).toMatchObject({ id: 'a' })
  expect(explanation).toMatchObject([{ reads: [{ kind: 'get', cache: 'orders', returned: 1 }] }])
  const missing = unit.query('order', { id: 'd' }, { explain: true })
  await expect(missing).rejects.toMatchObject({ code: 'not_found' })
})

/** As the client tells it. */
async function byClient(http: HttpServer, ids: readonly string[]): Promise<void> {
  const send: Transport['send'] = async ({ path, method, headers }) => {
    const answer = await http.inject({ method, url: path, headers })
    const header = (name: string) => answer.headers[name]?.toString()
    return { status: answer.statusCode, header, text: answer.body }
  }
  const client = new GridClient<typeof shop>('http://grid', { transport: { send } })
  const stored = await client.stored('shop', 'orders', 'k07')
  expect(stored).toMatchObject({
    ...{ key: 'k07', archived: true, value: { status: 'closed' } },
    position: expect.any(Number),
  })
  const found: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const asked = { index: 'byStatus', equals: ['closed'], limit: 10 }
    const more: object = cursor === '' ? {} : { cursor }
    const page = await client.archived('shop', 'orders', { ...asked, ...more })
    found.push(...page.entries.map(({ key }) => key))
    cursor = page.next
  }
  expect(found).toEqual(ids)
  await expect(client.stored('shop', 'orders', 'none')).rejects.toMatchObject({ code: 'not_found' })
  await client.stop()
}

test('it is answered over HTTP, one by one and page by page, and stays when all is started anew', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'archive-'))
  const before = await start(directory)
  const [unit] = before.units as [EmbeddedGrid['units'][0]]
  const ids = Array.from({ length: 25 }, (_, at) => `k${String(at).padStart(2, '0')}`)
  for (const id of [...ids, 'open']) await unit.execute('open', { id })
  for (const id of ids) await unit.execute('close', { id })
  await waitFor(() => before.units.every(({ state }) => state?.cache(2).entries.size === 1), {
    what: 'them to leave memory',
  })
  const stored = () => before.ports.get('shop')?.store.checkpoint('shop')
  await waitFor(async () => ((await stored())?.position ?? 0) >= unit.position, {
    what: 'all to be stored',
  })
  await before.stop()

  const after = await start(directory)
  expect(after.units.map(({ state }) => state?.cache(2).entries.size)).toEqual([1, 1])
  const http = createHttpServer(after.serving, { log: { error: () => undefined } })
  const get = async (path: string) => {
    const answer = await http.inject({ method: 'GET', url: `/shop/archive/${path}` })
    return { status: answer.statusCode, headers: answer.headers, ...answer.json() }
  }
  expect(await get('orders/k07')).toMatchObject({
    ...{ status: 200, key: 'k07', archived: true },
    value: { id: 'k07', status: 'closed', seen: 0 },
  })
  // Private fields stay private.
  expect((await get('orders/k07')).value).not.toHaveProperty('notes')
  expect(await get('orders/open')).toMatchObject({ archived: false, value: { status: 'open' } })
  expect(await get('orders/none')).toMatchObject({ status: 404, code: 'not_found' })
  expect(await get('others/k07')).toMatchObject({ status: 404, code: 'unknown_cache' })
  const found: string[] = []
  let cursor: string | null = null
  do {
    const more: string = cursor === null ? '' : `&cursor=${cursor}`
    const page = await get(`orders?index=byStatus&equals=closed&reverse=true&limit=10${more}`)
    expect(page.status).toBe(200)
    expect(page.entries.length).toBeLessThanOrEqual(10)
    found.push(...page.entries.map(({ key }: { key: string }) => key))
    cursor = page.next
  } while (cursor !== null)
  expect(found).toEqual(ids.toReversed())
  expect((await get('orders?index=byStatus&equals=open')).entries).toEqual([])
  for (const [query, path] of [
    ['', 'index'],
    ['index=byNothing', 'index'],
    ['index=_archive', 'index'],
    ['index=byStatus&equals=closed&from=soon', 'from'],
    ['index=byStatus&equals=closed&equals=1&from=1', 'equals'],
    ['index=byStatus&limit=0', 'limit'],
    ['index=byStatus&limit=1001', 'limit'],
    ['index=byStatus&reverse=maybe', 'reverse'],
    ['index=byStatus&cursor=bogus', 'cursor'],
    ['index=byStatus&index=byStatus', 'index'],
    ['index=byStatus&page=2', 'page'],
  ])
    expect(await get(`orders?${query}`), query).toMatchObject({
      ...{ status: 400, code: 'invalid_input', errors: [{ path }] },
    })
  await byClient(http, ids)
  await http.close()
  // What has left before is there for whoever needs it now.
  expect((await after.units[0]?.execute('note', { id: 'k03', text: 'x' }))?.result).toEqual({
    seen: 1,
  })
})
