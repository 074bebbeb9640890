import { describe, expect, test } from 'vitest'
import { runHistory } from '../histories/history-run.ts'
import { summaryText, verdictText } from '../histories/verdict-text.ts'
import { isGoInstalled } from '../support/go-program.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

// docs/guarantees.md, promise 2. `npm run histories` does it for as long as one likes.
// Skipped: without Go the check of registers cannot be built; said loudly.
describe.skipIf(!isGoInstalled(process.env, 'the check of histories'))('histories', () => {
  test.each([1, 4])(
    `of %i partitions: what clients see under kill -9 and SIGSTOP is linearizable, over several keys strictly serializable (SEED=${seed})`,
    { timeout: 480_000 },
    async (partitions) => {
      const folder = await temporaryFolder('histories')
      const summary = await runHistory({
        units: 3,
        partitions,
        seconds: 20,
        answersMin: 200,
        clients: 8,
        seed,
        folder,
      })
      const told = `${summaryText(summary)}${verdictText(summary)}`
      expect(summary.registers.verdict, told).toBe('linearizable')
      expect(summary.lists.verdict, told).toBe('strictly serializable')
      expect(summary.bugs, told).toEqual([])
    },
  )
})
