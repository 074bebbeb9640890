import { expect, test } from 'vitest'
import { runKillCycles } from '../chaos/kill-cycles.ts'
import { FaultGrid } from '../support/fault-grid.ts'
import { nothingFound } from '../support/grid-audit.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

/**
 * Longer than the patience of standbys and clients, so that others take over; `paused-processes`
 * has the pauses that are longer than every timeout.
 */
const pauseMs = { min: 1500, max: 4000 }

// architecture.md, invariant 5. `npm run chaos` does the same two hundred times.
test(`random kill -9 and SIGSTOP of units, pumps, writers, readers and servers: nothing acknowledged is lost or doubled (SEED=${seed})`, {
  timeout: 180_000,
}, async () => {
  await using grid = await FaultGrid.start({ units: 3, copies: 2 })
  const summary = await runKillCycles(grid, {
    cycles: 10,
    seed,
    shoppers: 12,
    pauseShare: 0.35,
    pauseMs,
  })
  expect(summary.findings).toEqual(nothingFound)
  expect(summary.unanswered).toBe(0)
  // Otherwise the audit would have looked at next to nothing.
  expect(summary.passedOver).toBeLessThan(summary.customers / 5)
  expect(summary.acknowledged).toBeGreaterThan(100)
})
