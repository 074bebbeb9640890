import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { UnitOptions } from '@spacegrid/runtime/unit-options'
import { pick } from '../plan/settings.ts'

/** A client asks for something; what exactly, `roll` says. */
export interface AskStep {
  readonly kind: 'ask'
  readonly atMs: number
  readonly client: number
  /** Units to try, one after the other. */
  readonly units: readonly number[]
  readonly roll: number
  readonly isQuery: boolean
  readonly withKey: boolean
  /** The client gives up waiting for one unit after this time. */
  readonly patienceMs: number
}

export type Fault =
  /** It dies when it has done so many more things: between any two of them. */
  | {
      readonly what: 'crash'
      readonly unit: number
      readonly acts: number
      readonly downMs: number
    }
  | { readonly what: 'crash all'; readonly downMs: number }
  /** Gracefully; the others take over. */
  | { readonly what: 'leave'; readonly unit: number; readonly downMs: number }
  | { readonly what: 'pause'; readonly unit: number; readonly forMs: number }
  /** From the other units: they believe it gone, it believes itself alone. */
  | { readonly what: 'cut'; readonly unit: number; readonly forMs: number }
  /** From one partition's log. */
  | {
      readonly what: 'cut log'
      readonly unit: number
      readonly log: number
      readonly forMs: number
    }
  | { readonly what: 'log away'; readonly log: number; readonly forMs: number }
  | {
      readonly what: 'appends'
      readonly forMs: number
      readonly loss: number
      readonly silence: number
      readonly doubling: number
      readonly delay: number
      readonly lateMsMax: number
    }
  | {
      readonly what: 'messages'
      readonly forMs: number
      readonly loss: number
      readonly doubling: number
      readonly delayMsMax: number
    }
  /** One more unit than before. */
  | { readonly what: 'join' }

/** All there are. */
export const dividedFaults: readonly Fault['what'][] = [
  'crash',
  'crash all',
  'leave',
  'pause',
  'cut',
  'cut log',
  'log away',
  'appends',
  'messages',
  'join',
]

export interface FaultStep {
  readonly kind: 'fault'
  readonly atMs: number
  readonly fault: Fault
}

export interface DividedSettings {
  readonly partitions: number
  readonly units: number
  readonly copies: number
  readonly latencyMsMax: number
  readonly appendTimeoutMs: number
  /** ms by which the clock that stamps each log is ahead. */
  readonly logsAheadMs: readonly number[]
  readonly unitOptions: Partial<UnitOptions>
}

export type DividedStep = AskStep | FaultStep

/** In the place of a workload's name. */
export const dividedWorkload = 'divided'

/** Everything that will happen to a grid of several partitions, made from the seed. */
export interface DividedPlan {
  readonly seed: number
  readonly workload: typeof dividedWorkload
  readonly settings: DividedSettings
  readonly steps: readonly DividedStep[]
  /** Trouble ends here, and the grid has to recover. */
  readonly endMs: number
}

export function makeDividedPlan(seed: number): DividedPlan {
  const random = new SeededRandom(seed ^ 0x5ca1ab1e)
  const partitions = 2 + random.below(4)
  const units = 2 + random.below(3)
  const endMs = 3000 + random.below(5000)
  const rushes = Array.from({ length: 2 + random.below(4) }, () => random.below(endMs - 100))
  const time = (share: number, spreadMs: number): number =>
    random.chance(share) ? pick(random, rushes) + random.below(spreadMs) : random.below(endMs)
  const asks = Array.from(
    { length: 30 + random.below(60) },
    (): AskStep => ({
      kind: 'ask',
      atMs: time(0.6, 60),
      client: random.below(4),
      units: Array.from({ length: 1 + random.below(5) }, () => random.below(units)),
      roll: random.integer(),
      isQuery: random.chance(0.2),
      withKey: random.chance(0.8),
      patienceMs: pick(random, [150, 800, 3000]),
    }),
  )
  const faults = Array.from(
    { length: random.below(7) },
    (): FaultStep => ({
      kind: 'fault',
      atMs: time(0.6, 100),
      fault: makeFault(random, units, partitions),
    }),
  )
  return {
    seed,
    workload: dividedWorkload,
    settings: {
      partitions,
      units,
      copies: 1 + random.below(3),
      latencyMsMax: random.below(5),
      appendTimeoutMs: pick(random, [60, 200, 1000]),
      logsAheadMs: Array.from({ length: partitions }, () => random.below(200) - 100),
      unitOptions: unitOptionsOf(random),
    },
    steps: [...asks, ...faults].sort((a, b) => a.atMs - b.atMs),
    endMs,
  }
}

/** Limits of units, small enough that runs come to them. */
export const unitOptionsOf = (random: SeededRandom): Partial<UnitOptions> => ({
  framesInFlightMax: 1 + random.below(4),
  frameTransactionsMax: pick(random, [2, 8, 4096]),
  attemptsMax: pick(random, [8, 64]),
  commandMsMax: pick(random, [1500, 6000]),
  positionWaitMsMax: 300,
  disconnectedMsMax: 150,
  silentMsMax: pick(random, [400, 3000]),
  deadlinePositions: pick(random, [5, 20, 4096]),
  republishMs: pick(random, [30, 100, 500]),
  heartbeatMs: pick(random, [300, 2000]),
  stopMsMax: 400,
  auditMs: 1000,
  auditEntries: 20,
})

export function makeFault(random: SeededRandom, units: number, partitions: number): Fault {
  const unit = random.below(units)
  const log = random.below(partitions)
  const forMs = 50 + random.below(pick(random, [300, 1500, 4000]))
  const downMs = 20 + random.below(1500)
  switch (random.below(14)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return { what: 'crash', unit, acts: random.below(pick(random, [4, 40])), downMs }
    case 4:
      return { what: 'crash all', downMs }
    case 5:
      return { what: 'leave', unit, downMs }
    case 6:
    case 7:
      return { what: 'pause', unit, forMs }
    case 8:
      return { what: 'cut', unit, forMs }
    case 9:
      return { what: 'cut log', unit, log, forMs }
    case 10:
      return { what: 'log away', log, forMs }
    case 11:
      return {
        what: 'appends',
        forMs,
        loss: random.below(30) / 100,
        silence: random.below(30) / 100,
        doubling: random.below(30) / 100,
        delay: random.below(40) / 100,
        lateMsMax: 20 + random.below(1000),
      }
    case 12:
      return {
        what: 'messages',
        forMs,
        loss: random.below(30) / 100,
        doubling: random.below(30) / 100,
        delayMsMax: 1 + random.below(200),
      }
    default:
      return { what: 'join' }
  }
}
