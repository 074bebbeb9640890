import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import {
  type AskStep,
  type DividedPlan,
  type FaultStep,
  makeFault,
  unitOptionsOf,
} from '../divided/plan.ts'
import { pick } from '../plan/settings.ts'

/** The proof's own, in the place of a workload's name. */
export const reactingWorkload = 'reactions'

/**
 * Everything that will happen to a grid of spaces that react on each other: their logs take the
 * place of partitions.
 */
export interface ReactingPlan extends Omit<DividedPlan, 'workload'> {
  readonly workload: string
}

/** @param spaces how many there are */
export function makeReactingPlan(
  seed: number,
  workload: string = reactingWorkload,
  spaces = 2,
): ReactingPlan {
  const random = new SeededRandom(seed ^ 0x0eac7104)
  const units = 2 + random.below(2)
  const endMs = 3000 + random.below(4000)
  const rushes = Array.from({ length: 2 + random.below(3) }, () => random.below(endMs - 100))
  const time = (share: number, spreadMs: number): number =>
    random.chance(share) ? pick(random, rushes) + random.below(spreadMs) : random.below(endMs)
  const asks = Array.from(
    { length: 10 + random.below(25) },
    (): AskStep => ({
      kind: 'ask',
      atMs: time(0.6, 60),
      client: random.below(3),
      units: Array.from({ length: 1 + random.below(5) }, () => random.below(units)),
      roll: random.integer(),
      isQuery: false,
      withKey: true,
      patienceMs: pick(random, [150, 800, 3000]),
    }),
  )
  const faults = Array.from(
    { length: random.below(8) },
    (): FaultStep => ({
      kind: 'fault',
      atMs: time(0.6, 150),
      fault: makeFault(random, units, spaces),
    }),
  )
  return {
    seed,
    workload,
    settings: {
      partitions: spaces,
      units,
      copies: units,
      latencyMsMax: random.below(5),
      appendTimeoutMs: pick(random, [60, 200, 1000]),
      logsAheadMs: Array.from({ length: spaces }, () => random.below(200) - 100),
      unitOptions: {
        ...unitOptionsOf(random),
        // What is told to be written down is soon forgotten: everything else must not be.
        idempotencyMs: 150_000,
        reactionsMax: pick(random, [1, 3, 64]),
      },
    },
    steps: [...asks, ...faults].sort((a, b) => a.atMs - b.atMs),
    endMs,
  }
}
