import { expect, test } from 'vitest'
import { runComeAndGo } from '../come-and-go/come-and-go.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

// docs/guarantees.md, promise 1; decision 35. `npm run come-and-go` does it with more of all, and
// says how long partitions did not answer.
test('two units are killed, one is added, one stopped under load: nothing is lost, and no more moves than has to', {
  timeout: 600_000,
}, async () => {
  const { steps, wrong } = await runComeAndGo({
    ...{ units: 4, partitions: 8, events: 4, rate: 3 },
    folder: await temporaryFolder('come-and-go'),
  })
  expect(wrong).toEqual([])
  expect(steps).toHaveLength(4)
  for (const { what, moved, fair } of steps) expect(moved / fair, what).toBeLessThanOrEqual(1.2)
})
