import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { defineCache, defineCommand, defineSpace, Type } from 'spacegrid'
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
