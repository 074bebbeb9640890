import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { Acknowledgement } from 'spacegrid'
import { type Fault, makeFault, slotsOf } from './fault.ts'
import { makeSettings, pick, type Settings } from './settings.ts'

/** A client does something; what exactly, `roll` says. */
export interface AskStep {
  readonly kind: 'ask'
  readonly atMs: number
  readonly client: number
  /** Units to try, one after the other. */
  readonly units: readonly number[]
  readonly roll: number
  readonly withKey: boolean
  readonly acknowledge: Acknowledgement
  /**
   * The client gives up waiting for one unit after this time, and asks the next one if it has a
   * key.
   */
  readonly patienceMs: number
  /** Asks once more with the same key, so many ms after it was answered. 0: it does not. */
  readonly againMs: number
  readonly read: 'plain' | 'position' | 'latest' | 'entry'
  /** A command of the newer version of the application, if the unit has it. */
  readonly newer: boolean
}

export interface FaultStep {
  readonly kind: 'fault'
  readonly atMs: number
  readonly fault: Fault
}

export type Step = AskStep | FaultStep

/**
 * Everything that will happen to a grid, made from the seed before it starts; leaving steps out
 * gives a plan as well.
 */
export interface Plan {
  readonly seed: number
  readonly workload: string
  readonly settings: Settings
  readonly steps: readonly Step[]
  /** Trouble ends here, and the grid has to recover. */
  readonly endMs: number
  /**
   * How it ends: the log deleted and created again, which nothing survives, but nobody may pretend
   * otherwise.
   */
  readonly logReplaced: boolean
  /** And just then nobody can be asked what is stored. */
  readonly readersGone: boolean
  /**
   * Or: so many of the log's last records are lost, as by a power failure before they were
   * synchronized. 0: none.
   */
  readonly tailLost: number
  /** And the store has not come as far as what is lost. */
  readonly storeLags: boolean
}

export function makePlan(seed: number, workloads: readonly string[]): Plan {
  const random = new SeededRandom(seed)
  const workload = pick(random, workloads)
  const settings = makeSettings(random)
  const endMs = 2500 + random.below(5000)
  const steps: Step[] = []
  const asks = 25 + random.below(75)
  // Users come in rushes, and trouble comes just then: most of what can go wrong takes two at the
  // same moment.
  const rushes = Array.from({ length: 1 + random.below(5) }, () => random.below(endMs - 100))
  const rushMs = pick(random, [2, 10, 60])
  const time = (share: number, spreadMs: number): number =>
    random.chance(share) ? pick(random, rushes) + random.below(spreadMs) : random.below(endMs)
  for (let number = 0; number < asks; number++) steps.push(makeAsk(random, time(0.75, rushMs)))
  const faults = random.chance(0.05) ? 0 : 1 + random.below(12)
  for (let number = 0; number < faults; number++)
    steps.push({ kind: 'fault', atMs: time(0.5, 80), fault: makeFault(random, settings) })
  steps.sort((a, b) => a.atMs - b.atMs)
  const logReplaced = random.chance(0.06)
  const readersGone = logReplaced && random.chance(0.5)
  const tailLost = !logReplaced && random.chance(0.05) ? 1 + random.below(12) : 0
  const storeLags = tailLost > 0 && random.chance(0.6)
  return withQueryUnits({
    ...{ seed, workload, endMs, logReplaced, readersGone, tailLost, storeLags },
    settings: tailLost > 0 ? { ...settings, wrongClocks: 0 } : settings,
    steps: tailLost > 0 ? steps.filter(isSeenAfterLoss) : steps,
  })
}

/**
 * Every third grid has a unit that takes no commands, and some of what would have happened to
 * others happens to it. By dice of its own: all else is as it would be without.
 */
function withQueryUnits(plan: Plan): Plan {
  const random = new SeededRandom(plan.seed + 2 ** 31)
  if (!random.chance(1 / 3)) return plan
  const slot = slotsOf(plan.settings)
  const steps = plan.steps.map((step): Step => {
    if (step.kind === 'ask' || !('slot' in step.fault) || !random.chance(0.3)) return step
    return { ...step, fault: { ...step.fault, slot } }
  })
  return { ...plan, steps, settings: { ...plan.settings, queryUnits: 1 } }
}

/**
 * That a log has lost its end is seen by the times of its records: not if a clock is wrong as well
 * (docs/guarantees.md).
 */
const isSeenAfterLoss = (step: Step): boolean =>
  step.kind === 'ask' || !step.fault.what.includes('clock')

function makeAsk(random: SeededRandom, atMs: number): AskStep {
  const luck = random.below(100)
  return {
    kind: 'ask',
    atMs,
    client: random.below(4),
    units: Array.from({ length: 5 }, () => random.below(64)),
    roll: random.uint32(),
    withKey: random.chance(0.7),
    acknowledge: luck < 75 ? 'committed' : luck < 88 ? 'persisted' : 'accepted',
    patienceMs: pick(random, [40, 400, 2500]),
    againMs: random.chance(0.1) ? pick(random, [1, 1000, 4000]) : 0,
    read: pick(random, ['plain', 'plain', 'position', 'latest', 'entry']),
    newer: random.chance(0.04),
  }
}
