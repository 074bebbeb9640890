import { type CrowdFindings, passedOver } from '../support/crowd-audit.ts'
import type { FaultGrid } from '../support/fault-grid.ts'
import { type Fault, FaultPlan, type FaultPlanOptions } from './fault-plan.ts'
import { victimsOf } from './victim.ts'

export interface KillCyclesOptions extends FaultPlanOptions {
  readonly cycles: number
  readonly shoppers: number
  readonly report?: (cycle: CycleReport) => void
  /** Ends the cycles early; the audit follows all the same. */
  readonly signal?: AbortSignal
}

export interface CycleReport extends Fault {
  readonly cycle: number
  readonly tookMs: number
  readonly acknowledged: number
}

export interface KillCyclesSummary {
  readonly cycles: number
  /** How many processes of each role were killed or paused. */
  readonly kills: ReadonlyMap<string, number>
  readonly pauses: ReadonlyMap<string, number>
  readonly acknowledged: number
  /** Requests sent again, by reason. */
  readonly retried: ReadonlyMap<string, number>
  readonly unanswered: number
  readonly customers: number
  /** Customers whom the audit had to pass over. */
  readonly passedOver: number
  readonly findings: CrowdFindings
}

/**
 * The more is stored, the longer takes a cold start: enough is under way at any time all the same.
 */
const thinkMsMax = 150
/** Errors that no fault of the world excuses. */
const bugs = ['internal', '500']

/**
 * Kills processes of a grid under load, one random cycle after the other, and starts them again;
 * then looks from outside whether all that was acknowledged is there, once. The plan (who, when,
 * how long) follows from the seed. A victim comes back while the next cycle is under way already;
 * only who is back is chosen again.
 *
 * @throws Error when a process does not come back, or has ended by itself
 */
export async function runKillCycles(
  grid: FaultGrid,
  options: KillCyclesOptions,
): Promise<KillCyclesSummary> {
  const { cycles, seed, shoppers, signal } = options
  const crowd = await grid.crowd({ seed, shoppers, thinkMsMax })
  const plan = new FaultPlan(victimsOf(grid), options)
  let done = 0
  while (done < cycles && !signal?.aborted) {
    const startedAt = performance.now()
    const fault = await plan.cycle()
    done++
    options.report?.({
      ...fault,
      cycle: done,
      tookMs: performance.now() - startedAt,
      acknowledged: crowd.ledger.acknowledged,
    })
  }
  await plan.recovered()
  const ledger = await crowd.finish()
  const findings = await grid.audit()
  for (const { settings, ended } of grid.cluster.components)
    if (ended !== undefined) findings.wrong.push(`${settings.name} has ended by itself: ${ended}`)
  for (const code of bugs)
    if (crowd.retried.has(code))
      findings.wrong.push(`${crowd.retried.get(code)} requests were answered with ${code}`)
  return {
    cycles: done,
    kills: plan.kills,
    pauses: plan.pauses,
    acknowledged: ledger.acknowledged,
    retried: crowd.retried,
    unanswered: ledger.unanswered.length,
    customers: ledger.customers,
    passedOver: passedOver(ledger).size,
    findings,
  }
}
