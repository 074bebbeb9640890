import { expect, test } from 'vitest'
import { runOrders } from '../payments/run-orders.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

// docs/reactions.md: exactly once in effect, whatever dies in between.
test('each order is paid and its ticket issued once, or it is compensated once, whoever is killed', {
  timeout: 300_000,
}, async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  const folder = await temporaryFolder('orders')
  const summary = await runOrders({
    ...{ orders: 150, seed, units: 2, buyers: 8, killsMax: 12, folder },
  })
  expect([seed, summary.wrong]).toEqual([seed, []])
  expect(summary.unanswered).toBe(0)
  expect(summary.issued + summary.compensated).toBe(summary.acknowledged)
  expect(summary.compensated).toBeGreaterThan(0)
})
