import { createHttpServer, type HttpServer } from '@spacegrid/grid/doors/http/http-server'
import { serveSpace } from '@spacegrid/grid/doors/nats/space-services'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { defineCache, defineCommand, defineProjection, defineSpace, Type } from 'spacegrid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EmbeddedGrid } from './embedded-grid.ts'

const sale = Type.Object({
  id: Type.String(),
  shop: Type.String(),
  goods: Type.String(),
  price: Type.Number(),
  secret: Type.String(),
})
const sales = defineCache('sales', {
  schema: sale,
  key: 'id',
  partitionBy: 'shop',
})
const sell = defineCommand('sell', {
  input: sale,
  partitionBy: 'shop',
  handler: (tx, sale) => tx.put(sales, sale),
})
const undo = defineCommand('undo', {
  input: Type.Object({ shop: Type.String(), id: Type.String() }),
  partitionBy: 'shop',
  handler: (tx, { id }) => tx.delete(sales, id),
})

/** Groups are spread over the partitions: shops sell the same goods. */
const takings = defineProjection('takings', {
  of: sales,
  groupBy: ['goods'],
  values: ({ count, sum, min, max, top, fold }) => ({
    sold: count(),
    total: sum('price'),
    least: min('price'),
    most: max('price'),
    best: top(2, { by: 'price', show: ['id'] }),
    shops: fold({
      initial: [] as readonly string[],
      add: (shops, { shop }) => [...shops, shop].sort(),
      remove: (shops, { shop }) => shops.filter((_, at) => at !== shops.indexOf(shop)),
      merge: (one, other) => [...one, ...other].sort(),
    }),
  }),
  indexes: { byTotal: ['total'] },
  readable: true,
})
/** Each in one partition. */
const shops = defineProjection('shops', {
  of: sales,
  groupBy: ['shop'],
  values: ({ sum, count }) => ({ total: sum('price'), hidden: count() }),
  indexes: { byTotal: ['total'], byHidden: ['shop', 'hidden'] },
  partitionBy: 'shop',
  readable: ['shop', 'total'],
})
/** What it is grouped by is kept from callers in part. */
const prices = defineProjection('prices', {
  of: sales,
  groupBy: ['goods', 'price', 'shop'],
  values: ({ count }) => ({ sold: count() }),
  readable: ['goods', 'shop', 'sold'],
})
const hidden = defineProjection('hidden', { of: sales })

const space = (partitions: number) =>
  defineSpace('market', {
    partitions,
    caches: [sales],
    commands: [sell, undo],
    projections: [takings, shops, prices, hidden],
  })

const sold = [
  ['a', 'north', 'bread', 0.1],
  ['b', 'north', 'bread', 0.2],
  ['c', 'south', 'bread', 0.3],
  ['d', 'west', 'a/b', 7],
  ['e', 'east', 'bread', 9],
] as const

const bread = {
  goods: 'bread',
  sold: 3,
  total: 0.6,
  least: 0.1,
  most: 0.3,
  best: [
    { price: 0.3, id: 'c' },
    { price: 0.2, id: 'b' },
  ],
  shops: ['north', 'north', 'south'],
}

describe.each([1, 5])('rows of a space with %i partitions', (partitions) => {
  const running = new AsyncDisposableStack()
  let dataDirectory: string
  let grid: EmbeddedGrid
  let door: HttpServer

  async function start(): Promise<void> {
    grid = new EmbeddedGrid([space(partitions)], { dataDirectory })
    door = createHttpServer(grid.serving, { log: { error: () => undefined } })
    grid.start()
    await waitFor(() => grid.readiness().ready, { what: 'the grid', timeoutMs: 60_000 })
  }

  const get = async (path: string, headers: Record<string, string> = {}) => {
    const { statusCode, headers: told, body } = await door.inject({ url: path, headers })
    const json: unknown = body === '' ? undefined : JSON.parse(body)
    return { status: statusCode, etag: told.etag as string, json }
  }
  const execute = (name: string, input: object) => grid.serving[0]?.execute(name, input)
  /** Any unit answers, and may be behind the one that has told the seller. */
  const latest = { 'Grid-Consistency': 'latest' }

  beforeAll(async () => {
    dataDirectory = await temporaryFolder('projection-doors')
    await start()
    running.defer(async () => {
      await door.close()
      await grid.stop()
    })
    for (const [id, shop, goods, price] of sold)
      await execute('sell', { id, shop, goods, price, secret: 's' })
    await execute('undo', { shop: 'east', id: 'e' })
  })
  afterAll(() => running.disposeAsync())

  test('are not to be found by what callers may not read of them', async () => {
    const errorsOf = async (path: string) => {
      const { status, json } = await get(`/market/projections/${path}`, latest)
      return [status, (json as { readonly detail?: string }).detail]
    }
    expect(await errorsOf('shops?index=byHidden&equals=north')).toEqual([
      400,
      expect.stringMatching(/^index: /),
    ])
    const known = 'of index byKey that callers may read: goods'
    for (const path of ['equals=bread&from=0.2', 'equals=bread&equals=0.2'])
      expect(await errorsOf(`prices?${path}`)).toEqual([400, expect.stringContaining(known)])
    expect(
      (await get('/market/projections/prices?equals=bread&limit=5', latest)).json,
    ).toMatchObject({ result: { rows: [1, 2, 3].map(() => ({ goods: 'bread', sold: 1 })) } })
  })

  test('are read by their key, with a tag of what they say', async () => {
    const first = await get('/market/projections/takings/bread', latest)
    expect(first).toMatchObject({ status: 200, json: { result: bread } })
    const again = { ...latest, 'If-None-Match': first.etag }
    expect(await get('/market/projections/takings/bread', again)).toMatchObject({ status: 304 })
    expect(await get('/market/projections/takings/a%2Fb', latest)).toMatchObject({
      json: { result: { goods: 'a/b', sold: 1, total: 7 } },
    })
    expect(await get('/market/projections/takings/milk', latest)).toMatchObject({
      status: 404,
      json: { code: 'not_found' },
    })
  })

  test('are read by range, and show what is readable', async () => {
    const { json } = await get('/market/projections/takings', latest)
    expect(json).toMatchObject({ result: { rows: [{ goods: 'a/b' }, bread] } })
    const ranked = '/market/projections/shops?index=byTotal&reverse=true&limit=2&to=6.5'
    const rows = [
      { shop: 'north', total: 0.30000000000000004 },
      { shop: 'south', total: 0.3 },
    ]
    expect((await get(ranked, latest)).json).toMatchObject({ result: { rows } })
    expect(await get('/market/projections/shops/west', latest)).toMatchObject({
      json: { result: { shop: 'west', total: 7 } },
    })
    const one = await get('/market/projections/shops?equals=south', latest)
    expect((one.json as { result: unknown }).result).toEqual({ rows: [rows[1]] })
  })

  test('are refused with what is wrong', async () => {
    const of = async (path: string) => {
      const { status, json } = await get(path)
      return [status, (json as { code: string }).code]
    }
    expect(await of('/market/projections/hidden/a')).toEqual([404, 'unknown_projection'])
    expect(await of('/market/projections/none')).toEqual([404, 'unknown_projection'])
    expect(await of('/market/projections/shops?index=none')).toEqual([400, 'invalid_input'])
    expect(await of('/market/projections/shops?equals=a&from=b')).toEqual([400, 'invalid_input'])
    expect(await of('/market/projections/shops?index=byTotal&from=much')).toEqual([
      400,
      'invalid_input',
    ])
    // Sums of several partitions are in no order before they are added up.
    const byTotal = await of('/market/projections/takings?index=byTotal')
    expect(byTotal).toEqual(partitions === 1 ? [200, undefined] : [400, 'invalid_input'])
    expect(await of('/market/caches/sales/a')).not.toContain(403)
  })

  test('are served to other programs', async () => {
    const messaging = new InProcessMessaging(new SystemClock())
    const unit = grid.serving[0] as (typeof grid.serving)[number]
    await serveSpace(messaging, unit, { log: { error: () => undefined } })
    const ask = async (subject: string, input: object) => {
      const data = Buffer.from(JSON.stringify(input))
      const headers = { 'Grid-Consistency': 'latest' }
      const reply = await messaging.request(subject, data, { timeoutMs: 5000, headers })
      return JSON.parse(Buffer.from(reply.data).toString()) as { result: unknown }
    }
    const one = await ask('spacegrid.market.query.takings.row', { key: 'bread' })
    expect(one.result).toEqual(bread)
    const { result } = await ask('spacegrid.market.query.shops.rows', { equals: ['west'] })
    expect(result).toEqual({ rows: [{ shop: 'west', total: 7 }] })
  })

  test('are in the documentation, under their own address', async () => {
    const { json } = await get('/openapi.json')
    const { paths } = json as { paths: Record<string, unknown> }
    const own = Object.keys(paths).filter((path) => /takings|shops|hidden/.test(path))
    expect(own.toSorted()).toEqual([
      '/market/projections/shops',
      '/market/projections/shops/{key}',
      '/market/projections/takings',
      '/market/projections/takings/{key}',
    ])
  })

  test('are the same after a restart, made of what is stored', async () => {
    await door.close()
    await grid.stop()
    await start()
    const { json } = await get('/market/projections/takings/bread', latest)
    expect(json).toMatchObject({ result: bread })
  })
})

test('a fold of several partitions says how it is merged', () => {
  const folded = defineProjection('folded', {
    of: sales,
    groupBy: ['goods'],
    values: ({ fold }) => ({ n: fold({ initial: 0, add: (n) => n + 1, remove: (n) => n - 1 }) }),
    readable: true,
  })
  const options = { caches: [sales], projections: [folded] }
  expect(() => defineSpace('market', { partitions: 2, ...options })).toThrow('its fold needs merge')
  expect(defineSpace('market', options).queries.has('folded.row')).toBe(true)
})
