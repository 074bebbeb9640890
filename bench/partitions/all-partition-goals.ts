import { acrossContended } from './across-contended.ts'
import { fifthUnit } from './fifth-unit.ts'
import { hotAuction, hotKey } from './hot-key.ts'
import { killedUnit } from './killed-unit.ts'
import { acrossTwo, passedOn } from './latencies.ts'
import { memoryOfUnits } from './memory-of-units.ts'
import type { PartitionGoal } from './partition-goal.ts'
import { placementCost } from './placement-cost.ts'
import { besideOne, manyStreams } from './throughput.ts'
import { workPerCommand } from './work-per-command.ts'

/** In the order in which they are measured and shown. */
export const allPartitionGoals: readonly PartitionGoal[] = [
  workPerCommand,
  memoryOfUnits,
  fifthUnit,
  besideOne,
  manyStreams,
  passedOn,
  hotKey,
  hotAuction,
  acrossTwo,
  acrossContended,
  killedUnit,
  placementCost,
]
