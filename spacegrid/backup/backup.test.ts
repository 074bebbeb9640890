import { randomInt } from 'node:crypto'
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { createBank } from '@spacegrid/proof/support/bank-space'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import type { Space } from 'spacegrid'
import { afterEach, expect, test } from 'vitest'
import { EmbeddedGrid } from '../embedded/embedded-grid.ts'
import { openGrid } from '../recover/recovery-grid.ts'
import { backUp } from './backup.ts'
import { tokensOf } from './backup-text.ts'
import { openedBackup } from './opened-backup.ts'
import { restore } from './restore.ts'
import { runningGrid } from './test-support/running-grid.ts'
import { createShop, orders } from './test-support/shop-space.ts'
import { verify } from './verify.ts'

const clock = new SystemClock()
const progress = () => undefined
const grids: EmbeddedGrid[] = []

afterEach(async () => {
  for (const grid of grids.splice(0)) await grid.stop()
})

async function start(space: Space, dataDirectory: string, trimDelayMs = 60_000) {
  const grid = new EmbeddedGrid([space], { dataDirectory, unitsPerSpace: 1, trimDelayMs })
  grids.push(grid)
  grid.start()
  await waitFor(() => grid.readiness().ready, { what: 'the grid to be ready' })
  return grid
}

async function stop(grid: EmbeddedGrid) {
  grids.splice(grids.indexOf(grid), 1)
  await grid.stop()
}

const save = (grid: EmbeddedGrid, folder: string, full = false) =>
  backUp(runningGrid(grid), runningGrid(grid).logNames, {
    ...{ folder, full, progress },
  })

const verified = async (folder: string, to?: string) =>
  await verify(folder, await openedBackup(folder, undefined, to, clock), clock, progress)

async function restoreInto(
  dataDirectory: string,
  folder: string,
  { to, ...options }: { to?: string; as?: string; overwrite?: boolean } = {},
) {
  const points = await openedBackup(folder, undefined, to, clock)
  const environment = readEnvironment([], { DATA_DIR: dataDirectory })
  const grid = await openGrid(environment, 'restore into', { orNew: true })
  try {
    const { as, overwrite = false } = options
    return await restore(grid, points, { folder, as, overwrite, progress })
  } finally {
    await grid.close()
  }
}

/** Orders of every kind, what has left memory and come back among them. */
async function work(grid: EmbeddedGrid, prefix: string) {
  const [unit] = grid.units as [EmbeddedGrid['units'][0]]
  const isInMemory = (id: string) => unit.get(orders, id) !== undefined
  for (const name of ['open', 'gone', 'back', 'deleted'])
    await unit.execute('open', { id: prefix + name })
  const leaving = ['gone', 'back', 'deleted'].map((name) => prefix + name)
  for (const id of leaving) await unit.execute('close', { id })
  await waitFor(() => !leaving.some(isInMemory), { what: 'orders to leave memory' })
  await unit.execute('note', { id: `${prefix}back`, text: 'late' })
  await unit.execute('remove', { id: `${prefix}deleted` })
  await unit.execute('note', { id: `${prefix}open`, text: prefix }, { acknowledge: 'persisted' })
  return unit
}

const found = async (grid: EmbeddedGrid, id: string) => {
  const [unit] = grid.units as [EmbeddedGrid['units'][0]]
  return ((await unit.execute('look', { id })).result as { order: unknown }).order
}

test('what was backed up while the grid ran is restored to a position before a mistake, under another name: the digest is equal, and what had left memory is there', async () => {
  const folder = await temporaryFolder('backup')
  const grid = await start(createShop('shop'), await temporaryFolder('grid'))
  await work(grid, 'a-')
  await save(grid, folder)
  const unit = await work(grid, 'b-')
  const { position, digest, entries } = unit.status()
  for (const id of ['a-open', 'a-gone', 'b-gone', 'b-back']) await unit.execute('remove', { id })
  const { incremental, made } = await save(grid, folder)
  expect(incremental).toEqual(['shop'])
  expect(made.positions.shop).toBeGreaterThan(position)
  expect(await verified(folder)).toMatchObject([{ log: 'shop', isProved: true }])
  expect(await verified(folder, String(position))).toMatchObject([{ digest, entries }])
  const before = await found(grid, 'b-open')
  await stop(grid)

  const data = await temporaryFolder('restored')
  const [restored] = await restoreInto(data, folder, { to: String(position), as: 'other' })
  expect(restored).toMatchObject({ from: 'shop', position, digest, entries, different: [] })
  const again = await start(createShop('other'), data)
  const [first] = again.units as [EmbeddedGrid['units'][0]]
  expect(first.position).toBeGreaterThanOrEqual(restored?.goesOnAt ?? 0)
  expect(await found(again, 'a-gone')).toMatchObject({ status: 'closed' })
  expect(await found(again, 'b-gone')).toMatchObject({ status: 'closed' })
  expect(await found(again, 'a-back')).toMatchObject({ status: 'closed', notes: ['late'] })
  expect(await found(again, 'b-deleted')).toBeNull()
  expect(await found(again, 'b-open')).toEqual(before)
  await expect(first.execute('open', { id: 'a-gone' })).rejects.toMatchObject({
    reason: 'exists',
  })
  await first.execute('open', { id: 'new' }, { acknowledge: 'persisted' })
  // What it has become is a grid as any other.
  const second = await temporaryFolder('backup')
  await save(again, second)
  expect(await verified(second)).toMatchObject([{ isProved: true }])
})

test('a backup behind what the log was trimmed for takes another snapshot, and both can be restored', async () => {
  const folder = await temporaryFolder('backup')
  const grid = await start(createShop('shop'), await temporaryFolder('grid'), 0)
  const unit = await work(grid, 'a-')
  await save(grid, folder)
  const early = unit.status()
  const log = grid.ports.get('shop')?.log
  let count = 0
  await waitFor(
    async () => {
      await unit.execute('note', { id: 'a-open', text: `${count++}` }, { acknowledge: 'persisted' })
      return ((await log?.bounds())?.first ?? 0) > early.position + 1
    },
    { what: 'the log to be trimmed' },
  )
  const { incremental, manifest } = await save(grid, folder)
  expect(incremental).toEqual([])
  expect(manifest.runs).toHaveLength(2)
  const late = unit.status()
  expect(await verified(folder, String(early.position))).toMatchObject([{ digest: early.digest }])
  expect(await verified(folder)).toMatchObject([{ digest: late.digest, isProved: true }])
  await expect(verified(folder, String(early.position + 1))).rejects.toMatchObject({
    code: 'position_out_of_reach',
  })
  await save(grid, folder, true)
  expect(await verified(folder)).toMatchObject([{ digest: late.digest, isProved: true }])
})

test('what an interrupted backup has left does not count, and what is damaged is told', async () => {
  const folder = await temporaryFolder('backup')
  const grid = await start(createShop('shop'), await temporaryFolder('grid'))
  const unit = await work(grid, 'a-')
  await save(grid, folder)
  const { position, digest } = unit.status()
  for (const file of readdirSync(folder))
    if (file !== 'backup.json') appendFileSync(join(folder, file), 'half of a record')
  expect(await verified(folder)).toMatchObject([{ position, digest }])
  await unit.execute('note', { id: 'a-open', text: 'more' })
  await save(grid, folder)
  expect(await verified(folder, String(position))).toMatchObject([{ digest }])
  const files = readdirSync(folder).filter((file) => !file.endsWith('.new'))
  expect(files.length).toBeGreaterThan(3)
  for (const file of files) {
    const path = join(folder, file)
    const sound = readFileSync(path)
    const damaged = Buffer.from(sound)
    const at = randomInt(damaged.length)
    damaged[at] = (damaged[at] ?? 0) ^ (1 << randomInt(8))
    writeFileSync(path, damaged)
    await expect(verified(folder), `${file}, byte ${at}`).rejects.toMatchObject({
      code: 'record_damaged',
    })
    writeFileSync(path, sound)
  }
  expect(await verified(folder)).toHaveLength(1)
})

test('nothing is overwritten unless it is said, and a restoring that was interrupted is begun anew', async () => {
  const folder = await temporaryFolder('backup')
  const grid = await start(createShop('shop'), await temporaryFolder('grid'))
  const unit = await work(grid, 'a-')
  await save(grid, folder)
  const { digest } = unit.status()
  await stop(grid)
  const data = await temporaryFolder('restored')
  const other = await start(createShop('shop'), data)
  await work(other, 'z-')
  await stop(other)
  await expect(restoreInto(data, folder)).rejects.toThrow(/--overwrite/)

  // It ends while it writes: nobody begins with what is there.
  const environment = readEnvironment([], { DATA_DIR: data })
  const points = await openedBackup(folder, undefined, undefined, clock)
  const opened = await openGrid(environment)
  const options = { folder, overwrite: true }
  const cutOff = restore(opened, points, {
    ...options,
    progress: (what) => {
      if (what.includes('reading it again') || what.includes('writing')) throw new Error('cut off')
    },
  })
  await expect(cutOff).rejects.toThrow('cut off')
  await opened.close()
  const halfway = new EmbeddedGrid([createShop('shop')], { dataDirectory: data, unitsPerSpace: 1 })
  grids.push(halfway)
  halfway.start()
  await waitFor(() => /anew|stored/.test(halfway.readiness().reason ?? ''), { what: 'a reason' })
  await stop(halfway)
  expect(await restoreInto(data, folder)).toMatchObject([{ digest, isProved: true }])
  const again = await start(createShop('shop'), data)
  expect(await found(again, 'a-gone')).toMatchObject({ status: 'closed' })
  expect(await found(again, 'z-gone')).toBeNull()
})

test('partitions are backed up as of one moment: transfers between them are there on both sides, or on none', async () => {
  const folder = await temporaryFolder('backup')
  const grid = await start(createBank(4), await temporaryFolder('grid'))
  const [unit] = grid.serving as [EmbeddedGrid['serving'][0]]
  const names = Array.from({ length: 12 }, (_, at) => `a${at}`)
  for (const account of names) await unit.execute('deposit', { account, sum: 100 })
  let isOver = false
  let done = 0
  const tellers = Array.from({ length: 6 }, async () => {
    while (!isOver) {
      const [from, to] = [names[randomInt(12)], names[randomInt(12)]]
      if (from === to) continue
      await unit.execute('transfer', { from, to, sum: 1 }).catch(() => undefined)
      done++
    }
  })
  await waitFor(() => done > 20, { what: 'transfers' })
  const made = []
  for (let at = 0; at < 2; at++) made.push((await save(grid, folder)).made)
  isOver = true
  await Promise.all(tellers)
  await stop(grid)
  // The last one, and moments that nobody has chosen: any record of any partition.
  const log = new Map(Object.entries(made.at(-1)?.positions ?? {}))
  const moments = [...tokensOf(Object.fromEntries(log)).values()]
  for (let at = 0; at < 2; at++) {
    const shifted = Array.from(log, ([name, last]) => [name, last - randomInt(8)] as const)
    moments.push([...tokensOf(Object.fromEntries(shifted)).values()].join())
  }
  const data = await temporaryFolder('restored')
  for (const to of moments) {
    const restored = await restoreInto(data, folder, { to, overwrite: true })
    expect(restored, to).toHaveLength(4)
    const again = await start(createBank(4), data)
    const [first] = again.serving as [EmbeddedGrid['serving'][0]]
    // What was under way is finished, or dropped, by those who look after it.
    await waitFor(
      async () => ((await first.query('totals', {})).result as { sum: number }).sum === 1200,
      { what: `the sum at ${to} to be what it was`, timeoutMs: 30_000 },
    )
    await stop(again)
  }
})
