import { expect, test } from 'vitest'
import { runHistory } from '../histories/history-run.ts'
import { summaryText, verdictText } from '../histories/verdict-text.ts'
import { isGoInstalled } from '../support/go-program.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

// docs/guarantees.md, promise 2. `npm run histories` does it for as long as one likes.
// Skipped: without Go the check of registers cannot be built; said loudly.
test.skipIf(!isGoInstalled(process.env, 'the check of histories'))(
  `what clients see under kill -9 and SIGSTOP is linearizable, over several keys strictly serializable (SEED=${seed})`,
  { timeout: 240_000 },
  async () => {
    const folder = await temporaryFolder('histories')
    const summary = await runHistory({
      units: 3,
      partitions: 1,
      seconds: 20,
      answersMin: 200,
      clients: 8,
      seed,
      folder,
    })
    const { registers, lists, bugs } = summary
    const told = `${summaryText(summary)}${verdictText(summary)}`
    expect(registers.verdict, told).toBe('linearizable')
    expect(lists.verdict, told).toBe('strictly serializable')
    expect(bugs).toEqual([])
  },
)
