import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { noFindings } from '../transfers/judge-transfers.ts'
import { runTransfers } from '../transfers/transfer-run.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

// docs/guarantees.md, promise 18. `npm run transfers` makes as many as one likes.
test(`transfers across partitions under kill -9 and SIGSTOP of everything: each once, the sum as it was (SEED=${seed})`, {
  timeout: 480_000,
}, async () => {
  const summary = await runTransfers({
    ...{ transfers: 200, msMax: 120_000, cycleMsMax: 4000, hotShare: 0.05, seed },
    ...{ units: 3, partitions: 4, copies: 1, tellers: 8, accounts: 64 },
    folder: await temporaryFolder('transfers'),
  })
  expect(summary.findings).toEqual(noFindings)
  expect(summary.sum.mongodb).toBe(summary.sum.opened)
  expect(summary.sum.units).toBe(summary.sum.opened)
  // Otherwise next to nothing would have been looked at.
  expect(summary.acknowledged).toBeGreaterThan(50)
})
