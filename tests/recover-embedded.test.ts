import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createItemsSpace } from '@spacegrid/proof/simulator/scenarios/items-space'
import { recover, reportOf } from '@spacegrid/proof/support/recover-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { EmbeddedGrid } from 'spacegrid/embedded/embedded-grid'
import { expect, test } from 'vitest'

const space = createItemsSpace('items')

async function started(dataDirectory: string) {
  const grid = new EmbeddedGrid([space], { dataDirectory, unitsPerSpace: 1 })
  grid.start()
  await waitFor(() => grid.readiness().ready, { what: 'the grid', timeoutMs: 30_000 })
  const [unit] = grid.units
  if (!unit) throw new Error('there is no unit')
  return { grid, unit }
}

const remove = (folder: string, ...names: string[]) =>
  Promise.all(
    names
      .flatMap((name) => [`${name}.mdb`, `${name}.mdb-lock`])
      .map((name) => rm(join(folder, name), { force: true })),
  )

test('the log of an embedded grid is lost, and then its store: what the other one has is there again, and retries get their first answers', {
  timeout: 120_000,
}, async () => {
  const folder = await temporaryFolder('recover')
  const call = (...options: string[]) => recover({ DATA_DIR: folder }, ...options)
  const first = await started(folder)
  expect(await call('--from', 'store')).toMatchObject({
    code: 2,
    errors: expect.stringMatching(/in use by process/),
  })
  const options = { idempotencyKey: 'once', acknowledge: 'persisted' } as const
  await first.unit.execute('fill', { prefix: 'k', count: 500 }, { acknowledge: 'persisted' })
  const answer = await first.unit.execute('bump', { id: 'b' }, options)
  await first.grid.stop()

  expect(await call('--from', 'store', '--yes')).toMatchObject({
    code: 1,
    errors: expect.stringMatching(/nothing to recover/),
  })
  await remove(folder, 'items-log', 'items-changes')
  expect(await call('--from', 'store')).toMatchObject({
    code: 1,
    output: expect.stringMatching(/there is no log[\s\S]*nothing that is left knows of them/),
  })
  const made = await call('--from', 'store', '--yes', '--json')
  expect(made).toMatchObject({ code: 0 })
  const { saved, firstPosition, lostPositions } = reportOf(made)
  expect(lostPositions).toBe(0)
  expect(Number(saved)).toBeGreaterThanOrEqual(answer.position)

  const second = await started(folder)
  expect(second.unit.status().entries).toBeGreaterThan(500)
  const retried = await second.unit.execute('bump', { id: 'b' }, options)
  expect(retried).toMatchObject({ result: answer.result, replayed: true })
  const next = await second.unit.execute('bump', { id: 'b' }, { acknowledge: 'persisted' })
  expect(next.result).toEqual({ count: 2 })
  expect(next.position).toBeGreaterThanOrEqual(Number(firstPosition))
  await second.grid.stop()

  // The log begins at its new first position: without what came before, it alone is no copy.
  await remove(folder, 'store')
  expect(await call('--store', '--yes')).toMatchObject({
    code: 1,
    errors: expect.stringMatching(/Nobody has a copy/),
  })
})

test('the store of an embedded grid is lost: the log, from its beginning, has it all', async () => {
  const folder = await temporaryFolder('recover')
  const call = (...options: string[]) => recover({ DATA_DIR: folder }, ...options)
  const first = await started(folder)
  await first.unit.execute('fill', { prefix: 'k', count: 3000 })
  await first.unit.execute('remove', { id: 'k7' }, { acknowledge: 'persisted' })
  const { digest, entries } = first.unit.status()
  await first.grid.stop()
  await remove(folder, 'store')
  const made = await call('--store', '--yes', '--json')
  expect(made).toMatchObject({ code: 0 })
  expect(reportOf(made)).toMatchObject({ from: 'the log from its beginning', entries })
  // The log is not needed for what is stored.
  await remove(folder, 'items-log', 'items-changes')
  expect(await call('--from', 'store', '--yes')).toMatchObject({ code: 0 })
  const second = await started(folder)
  expect(second.unit.status()).toMatchObject({ digest, entries })
  await second.grid.stop()
})
