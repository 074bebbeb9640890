import { readFile } from 'node:fs/promises'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Archive } from '../support/archive.ts'
import { FaultGrid } from '../support/fault-grid.ts'
import { nothingFound } from '../support/grid-audit.ts'
import { pairedRoles, pairOf, takesOver } from '../support/standby.ts'
import { waitFor } from '../support/wait-for.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

/** Made by the crowd of the first test. */
const eventId = 'crowd1-event-1'
const stored = { value: { eventId } }

let grid: FaultGrid
beforeAll(async () => {
  grid = await FaultGrid.start({ units: 2, copies: 2 })
})
afterAll(() => grid.stop())

test(`a second pump, and a second writer, takes over when the first is killed (SEED=${seed})`, async () => {
  await grid.crowd({ seed })
  for (const role of pairedRoles) {
    const pair = await pairOf(grid, role)
    await takesOver(pair, 'killed', async () => {
      pair.active.kill('SIGKILL')
      await pair.active.gone
    })
    await grid.cluster.restart(pair.active)
  }
  expect(await grid.audit()).toEqual(nothingFound)
})

test('while one of two readers lives, the archive answers', async () => {
  await using archive = await Archive.open(grid.cluster.urls.nats)
  expect(await archive.ask(eventId)).toMatchObject(stored)
  const [first] = readersOf(grid)
  first.kill('SIGKILL')
  await first.gone
  // A request that was with the dead one is lost; whoever asks again is answered.
  for (let asked = 0; asked < 20; asked++)
    expect(await waitFor(() => archive.askOnce(eventId), { what: 'an answer' })).toMatchObject(
      stored,
    )
  await grid.cluster.restart(first)
})

// architecture.md, section 5: "a unit is slow or paused". A frozen process keeps its share of the
// requests until NATS drops it.
test('while a reader and a unit are frozen, the archive answers and units start, from a peer and from the other reader', {
  timeout: 120_000,
}, async () => {
  await using archive = await Archive.open(grid.cluster.urls.nats)
  const [frozenReader] = readersOf(grid)
  const [frozenUnit, unit] = grid.cluster.units
  if (!frozenUnit || !unit) throw new Error('there are no two units')
  try {
    frozenReader.kill('SIGSTOP')
    frozenUnit.kill('SIGSTOP')
    const slowest = Math.max(...(await timesOf(20, () => archive.ask(eventId))))
    process.stderr.write(`data-reader frozen: the slowest of 20 answers took ${slowest} ms\n`)
    expect(slowest).toBeLessThan(2000)
    const joined = await grid.cluster.addUnit()
    expect(await readFile(joined.settings.logFile, 'utf8')).toContain('"source":"peer"')
    for (const living of [unit, joined]) {
      living.kill('SIGKILL')
      await living.gone
    }
    const logged = (await readFile(unit.settings.logFile, 'utf8')).length
    await grid.cluster.restart(unit)
    expect((await readFile(unit.settings.logFile, 'utf8')).slice(logged)).toContain(
      '"source":"reader"',
    )
    await grid.cluster.restart(joined)
    // NATS has dropped the frozen one by then: who asks only once is always answered.
    const twentyInARow = async () => {
      for (let asked = 0; asked < 20; asked++) await archive.askOnce(eventId)
      return true
    }
    await waitFor(twentyInARow, { what: 'twenty answers in a row', timeoutMs: 30_000 })
  } finally {
    frozenReader.kill('SIGCONT')
    frozenUnit.kill('SIGCONT')
  }
  await Promise.all([frozenReader, frozenUnit].map((component) => component.ready(60_000)))
  expect(await grid.audit()).toEqual(nothingFound)
})

function readersOf({ cluster }: FaultGrid): [ComponentProcess, ...ComponentProcess[]] {
  const [first, ...others] = cluster.components.filter(
    ({ settings }) => settings.role === 'data-reader',
  )
  if (!first) throw new Error('there is no data reader')
  return [first, ...others]
}

/** How long each of so many calls took, one after the other, in ms. */
async function timesOf(count: number, call: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let called = 0; called < count; called++) {
    const startedAt = performance.now()
    await call()
    times.push(Math.round(performance.now() - startedAt))
  }
  return times
}
