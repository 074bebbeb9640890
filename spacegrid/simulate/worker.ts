import type { SeedOutcome, SeedTask } from '@spacegrid/proof/simulator/fleet'
import { catchStrayErrors } from '@spacegrid/proof/simulator/try-run'
import { loadSimulations } from './load-simulations.ts'
import { simulateSeed } from './simulate-space.ts'

/** One process of a fleet: runs a seed of the space that it is told. Ends with its parent. */
const [file = '', name] = process.argv.slice(2)
catchStrayErrors()
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit(0))
const found = (await loadSimulations(file)).find((group) => group.name === name)
if (!found) throw new Error(`${file} exports no space ${name}`)
process.on('message', async ({ seed }: SeedTask) => {
  const { workload, problems, coverage, asked = [] } = await simulateSeed(found, seed)
  const failed = problems.length > 0
  const outcome: SeedOutcome = {
    ...{ seed, workload, problems, coverage: [...coverage] },
    ...(failed ? { asked } : {}),
  }
  process.send?.(outcome)
})
