import { expect, it } from 'vitest'
import { runLoop } from './loops.ts'

const settings = { inFlight: 4, ms: 5, warmupMs: 0 }
const turned = () => new Promise<void>((resolve) => setImmediate(resolve))

it('keeps so many operations open, never more', async () => {
  let open = 0
  let most = 0
  const operation = async () => {
    most = Math.max(most, ++open)
    await turned()
    open--
  }
  const { operations, perSecond, p50 } = await runLoop(operation, settings, () => 0)
  expect(most).toBe(4)
  expect(operations).toBeGreaterThan(0)
  expect(perSecond).toBeGreaterThan(0)
  expect(p50).toBeGreaterThan(0)
})

it('counts what failed apart from what was done, and says why', async () => {
  let count = 0
  const operation = async () => {
    await turned()
    if (count++ % 2 === 1) throw new Error('not this one')
  }
  const result = await runLoop(operation, { ...settings, inFlight: 1 }, () => count)
  expect(result.failed).toBeGreaterThan(0)
  expect(result.failure).toBe('not this one')
  expect(Math.abs(result.operations - result.failed)).toBeLessThanOrEqual(1)
  expect(result.retries).toBeGreaterThan(0)
})

it('measures operations without a promise as well', async () => {
  let count = 0
  const { operations } = await runLoop(
    () => count++,
    settings,
    () => 0,
  )
  expect(count).toBe(operations + 1)
})

it('lets an open loop wait for nobody', async () => {
  const together = Promise.withResolvers<void>()
  let started = 0
  const operation = async () => {
    started++
    // The first call of a run only finds out whether there is a promise. A loop that waited for the
    // second one would never get to the fourth.
    if (started === 1) return
    if (started === 4) together.resolve()
    await together.promise
  }
  const { operations } = await runLoop(
    operation,
    { ...settings, inFlight: 1, rate: 100_000 },
    () => 0,
  )
  expect(operations).toBe(started - 1)
  expect(operations).toBeGreaterThanOrEqual(3)
})
