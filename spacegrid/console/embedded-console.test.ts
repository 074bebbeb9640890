import { PrometheusTelemetry } from '@spacegrid/grid/doors/admin/prometheus-telemetry'
import { rotationsOf } from '@spacegrid/grid/doors/http/unit-rotation'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import type { CachesSeen, EntriesSeen } from '@spacegrid/runtime/look'
import { roomSpace } from '@spacegrid/waiting-room/space'
import type { WaitingRoom } from '@spacegrid/waiting-room/waiting-room'
import { defineCache, defineCommand, defineSpace, Type } from 'spacegrid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EmbeddedGrid } from '../embedded/embedded-grid.ts'
import { EmbeddedDriver, EmbeddedSource, embeddedLooking } from './embedded-console.ts'

const items = defineCache('items', {
  schema: Type.Object({ id: Type.String(), text: Type.String() }),
  key: 'id',
})
const add = defineCommand('add', {
  input: Type.Object({ id: Type.String(), text: Type.String() }),
  handler: (tx, item) => tx.put(items, item),
})
const space = defineSpace('shop', { caches: [items], commands: [add], queries: [] })

let grid: EmbeddedGrid
beforeAll(async () => {
  grid = new EmbeddedGrid([space], { dataDirectory: await temporaryFolder('embedded-console') })
  grid.start()
  await waitFor(() => grid.readiness().ready, { what: 'the grid' })
})
afterAll(() => grid.stop())

test('every part of an embedded grid tells of itself', async () => {
  const source = new EmbeddedSource(grid, new PrometheusTelemetry())
  const told = await source.processes()
  expect(told.map(({ unit, role }) => `${unit}: ${role}`)).toEqual([
    'shop-1: processing-unit',
    'shop-2: processing-unit',
    'shop-data-reader: data-reader',
    'shop-data-writer: data-writer',
    'shop-data-pump: data-pump',
    'embedded: process',
  ])
  expect(told[0]?.spaces.shop?.position).toBeGreaterThan(0)
  expect(told.at(-1)?.process?.pid).toBe(process.pid)
})

test('units that keep lines tell how these stand', async () => {
  const grid = new EmbeddedGrid([roomSpace], { dataDirectory: await temporaryFolder('lines') })
  const lines = { ticketing: { waiting: 7 } }
  const room = { status: () => ({ lines }) } as unknown as Pick<WaitingRoom, 'status'>
  const [told] = await new EmbeddedSource(grid, new PrometheusTelemetry(), room).processes()
  expect(told).toMatchObject({
    role: 'waiting-room',
    spaces: { waitingRoom: { entries: 0, waitingRoom: { lines } } },
  })
  const driver = new EmbeddedDriver(grid, new Map())
  expect(driver.units()).toEqual({})
  await expect(driver.act('waitingRoom-1', 'stop')).rejects.toThrow('not possible')
  await grid.stop()
})

test('units are added and stopped while it serves, but not the last one', async () => {
  const rotations = rotationsOf(grid.serving)
  const driver = new EmbeddedDriver(grid, rotations)
  expect(driver.add).toBe(true)
  await grid.serving[0]?.execute('add', { id: 'before', text: '' })
  expect(await driver.addUnit()).toBe('shop-3')
  const third = grid.units.find(({ name }) => name === 'shop-3')
  await waitFor(() => third?.get(items, 'before') !== undefined, { what: 'its copy' })
  const turns = () => new Set([1, 2, 3, 4].map(() => rotations.get('shop')?.next().name))
  expect(turns()).toEqual(new Set(['shop-1', 'shop-2', 'shop-3']))

  await expect(driver.act('shop-1', 'kill')).rejects.toThrow('not possible')
  await driver.act('shop-1', 'stop')
  await driver.act('shop-2', 'stop')
  expect(turns()).toEqual(new Set(['shop-3']))
  expect(driver.units()).toEqual({ 'shop-3': [] })
  await expect(driver.act('shop-3', 'stop')).rejects.toThrow('not possible')
  await rotations.get('shop')?.next().execute('add', { id: 'after', text: '' })
  expect(await driver.addUnit()).toBe('shop-1')
  const first = grid.units.find(({ name }) => name === 'shop-1')
  await waitFor(() => first?.get(items, 'after') !== undefined, { what: 'what it missed' })
})

test('looks into caches page by page, and cuts what is long', async () => {
  const looking = embeddedLooking(grid)
  for (let at = 0; at < 30; at++)
    await grid.serving[0]?.execute('add', { id: `k${at}`, text: at === 29 ? 'x'.repeat(9000) : '' })
  const { caches } = (await looking.look({ space: 'shop', offset: 0, limit: 0 })) as CachesSeen
  const [{ entries: all = 0 } = {}] = caches
  expect(caches).toEqual([{ cache: 'items', entries: all }])
  expect(all).toBeGreaterThanOrEqual(30)
  const page = async (offset: number) =>
    (await looking.look({ space: 'shop', cache: 'items', offset, limit: 20 })) as EntriesSeen
  const [one, two] = [await page(0), await page(20)]
  expect(one).toMatchObject({ count: all, offset: 0 })
  const keys = [...one.entries, ...two.entries].map(({ key }) => key)
  expect(new Set(keys).size).toBe(Math.min(40, all))
  const last = await looking.look({
    space: 'shop',
    cache: 'items',
    offset: 0,
    limit: 1,
    newest: true,
  })
  expect(last).toMatchObject({ offset: all - 1, entries: [{ key: 'k29' }] })
  const long = two.entries.find(({ key }) => key === 'k29')
  expect(long).toMatchObject({ cut: true, version: expect.any(Number) })
  expect(long?.value.length).toBe(8192)
  const wrong = (asked: object) => looking.look({ space: 'shop', offset: 0, limit: 1, ...asked })
  await expect(wrong({ space: 'none' })).rejects.toThrow('no space none')
  await expect(wrong({ cache: 'none' })).rejects.toThrow('none')
  await expect(wrong({ cache: 'items', limit: 101 })).rejects.toThrow('up to 100')
})
