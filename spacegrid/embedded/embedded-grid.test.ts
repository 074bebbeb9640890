import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { statusOfUnits } from '@spacegrid/grid/doors/admin/status-source'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'
import { expect, test } from 'vitest'
import { EmbeddedGrid } from './embedded-grid.ts'

const items = defineCache('items', { schema: Type.Object({ id: Type.String() }), key: 'id' })
const add = defineCommand('add', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => tx.put(items, { id }),
})
const space = defineSpace('items', { caches: [items], commands: [add], queries: [] })

test('what keeps its pump and its writer from work is told, as it is of a unit', async () => {
  const dataDirectory = await temporaryFolder('embedded-grid')
  const first = new EmbeddedGrid([space], { dataDirectory, unitsPerSpace: 1 })
  first.start()
  await waitFor(() => first.readiness().ready, { what: 'the grid' })
  await first.units[0]?.execute('add', { id: 'a' }, { acknowledge: 'persisted' })
  await first.stop()
  for (const name of ['items-log.mdb', 'items-log.mdb-lock'])
    await rm(join(dataDirectory, name), { force: true })

  const told: string[] = []
  const second = new EmbeddedGrid([space], {
    dataDirectory,
    unitsPerSpace: 1,
    tell: (who, { message }) => told.push(`${who}: ${message}`),
  })
  second.start()
  const causeOf = (who: string) =>
    told.find(
      (line) => line.startsWith(`${who}: not ready: `) && line.includes('npx spacegrid recover'),
    )
  for (const who of ['items data-pump', 'items data-writer', 'items-1'])
    await waitFor(() => causeOf(who) !== undefined, { what: `${who} in ${told.join('; ')}` })
  expect(second.readiness()).toMatchObject({ ready: false })
  await second.stop()
})

test('a divided space in one process: each partition has its log, and is there again', async () => {
  const dataDirectory = await temporaryFolder('embedded-divided')
  const parted = defineCache('parted', {
    schema: Type.Object({ id: Type.String() }),
    key: 'id',
    partitionBy: 'id',
  })
  const put = defineCommand('put', {
    input: Type.Object({ id: Type.String() }),
    partitionBy: 'id',
    handler: (tx, { id }) => tx.put(parted, { id }),
  })
  const all = defineQuery('all', {
    input: Type.Object({}),
    handler: (read) => read.count(parted),
    everyPartition: { merge: (counts) => counts.reduce((sum, one) => sum + one, 0) },
  })
  const divided = defineSpace('divided', {
    partitions: 4,
    caches: [parted],
    commands: [put],
    queries: [all],
  })
  const ids = Array.from({ length: 12 }, (_, at) => `id-${at}`)
  for (const round of [1, 2]) {
    const grid = new EmbeddedGrid([divided], { dataDirectory })
    grid.start()
    await waitFor(() => grid.readiness().ready, { what: 'the grid' })
    const [first, second] = grid.serving
    if (round === 1)
      for (const id of ids) await first?.execute('put', { id }, { acknowledge: 'persisted' })
    const answer = await second?.query('all', {}, { latest: true })
    expect(answer?.result).toBe(12)
    const status = statusOfUnits('embedded', 'embedded', grid.serving)
    expect(Object.keys(status.spaces()).every((name) => /^divided\.[0-3]$/.test(name))).toBe(true)
    expect(status.placement?.().divided?.members).toHaveLength(2)
    await grid.stop()
  }
})
