import { flushCompileCache } from 'node:module'
import type { SeedOutcome, SeedTask } from './fleet.ts'
import { planOf, tryQuickly } from './seed-run.ts'
import { catchStrayErrors } from './try-run.ts'

/** One process of a fleet: runs a seed whenever it is told one. Ends with its parent. */
let hasKept = false
catchStrayErrors()
// Ctrl-C is for the parent, which sums up.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit(0))
process.on('message', async ({ seed, workload }: SeedTask) => {
  const { workload: name, problems, coverage } = await tryQuickly(planOf(seed, workload))
  const outcome: SeedOutcome = { seed, workload: name, problems, coverage: [...coverage] }
  process.send?.(outcome)
  // It is killed when it is no longer needed. Without NODE_COMPILE_CACHE there is nothing to keep.
  if (!hasKept) flushCompileCache()
  hasKept = true
})
