import type { RehydrationSource } from '@spacegrid/grid/engine/replica/rehydration'
import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { UnitOptions } from '@spacegrid/runtime/unit-options'

/** What a run is like from its beginning to its end. */
export interface Settings {
  readonly units: number
  /** Units that take no commands. Default: none. */
  readonly queryUnits?: number
  readonly pumps: number
  readonly writers: number
  readonly readers: number
  readonly withImage: boolean
  /** Longest time a store takes for a request or its answer, ms, when nothing goes wrong. */
  readonly storeDelayMsMax: number
  /**
   * Longest time a message to a log takes, ms; `inOrder`: always just this, so that none overtakes
   * another of its connection.
   */
  readonly latencyMsMax: number
  readonly inOrder: boolean
  readonly appendTimeoutMs: number
  readonly logRecordBytesMax: number
  readonly windowRecordBytesMax: number
  /** Share of machines whose clocks are hours off. Default: none. */
  readonly wrongClocks?: number
  /** Of each unit. */
  readonly unitOptions: readonly (Partial<UnitOptions> & {
    readonly sources: readonly RehydrationSource[]
  })[]
  /** Which units run the newer version of the application from the start. */
  readonly newerUnits: readonly boolean[]
  readonly pumpOptions: {
    readonly windowChangesMax: number
    readonly takeoverMs: number
    readonly imageEntriesMax: number
    readonly auditMs: number
    readonly auditEntries: number
  }
  /**
   * How often the reader tells every entry of the store, for others to compare with, ms. 0: never.
   */
  readonly auditIntervalMs: number
  readonly writerOptions: {
    readonly trimDelayMs: number
    readonly batchBytesMax: number
    readonly takeoverMs: number
  }
}

export const pick = <T>(random: SeededRandom, items: readonly T[]): T =>
  items[random.below(items.length)] as T

/** Everything smaller and shorter than in production, so that what is rare there happens here. */
export function makeSettings(random: SeededRandom): Settings {
  const units = 2 + random.below(3)
  return {
    units,
    pumps: 1 + random.below(2),
    writers: 1 + random.below(2),
    readers: 1 + random.below(2),
    withImage: random.chance(0.7),
    storeDelayMsMax: pick(random, [0, 1, 12]),
    latencyMsMax: random.below(5),
    inOrder: random.chance(0.5),
    appendTimeoutMs: pick(random, [60, 200, 1000]),
    logRecordBytesMax: pick(random, [4096, 64 * 1024]),
    windowRecordBytesMax: 700 + random.below(4000),
    wrongClocks: pick(random, [0, 0, 0.15]),
    unitOptions: Array.from({ length: units }, () => makeUnitOptions(random)),
    newerUnits: Array.from({ length: units }, () => random.chance(0.1)),
    pumpOptions: {
      windowChangesMax: 1 + random.below(60),
      takeoverMs: 200 + random.below(1000),
      imageEntriesMax: pick(random, [3, 12, 1000]),
      auditMs: 1000,
      auditEntries: 20,
    },
    auditIntervalMs: pick(random, [0, 1500]),
    writerOptions: {
      trimDelayMs: pick(random, [0, 300, 3000, 60_000]),
      batchBytesMax: 1 + random.below(8000),
      takeoverMs: 300 + random.below(1500),
    },
  }
}

function makeUnitOptions(random: SeededRandom): Settings['unitOptions'][number] {
  return {
    sources: pick(random, [
      ['peer', 'reader', 'log'],
      ['peer', 'reader', 'log'],
      ['reader', 'log'],
      ['store', 'log'],
    ]),
    framesInFlightMax: 1 + random.below(4),
    frameTransactionsMax: pick(random, [2, 8, 4096]),
    frameBytesMax: pick(random, [600, 3000, 768 * 1024]),
    pendingMax: pick(random, [6, 16_384, 16_384]),
    attemptsMax: pick(random, [3, 64, 64]),
    commandMsMax: pick(random, [300, 1500]),
    positionWaitMsMax: 300,
    archiveWaitMsMax: 250,
    persistWaitMsMax: 4000,
    // Longer than clocks jump, or so short that a client may ask again when its key is forgotten:
    // then it is a new request.
    idempotencyMs: pick(random, [24 * 60 * 60_000, 24 * 60 * 60_000, 3000]),
    disconnectedMsMax: 150,
    silentMsMax: pick(random, [400, 3000]),
    expirySweepMs: pick(random, [100, 100, 0]),
    expiryBatchMax: pick(random, [2, 512]),
    deadlinePositions: pick(random, [5, 20, 4096]),
    republishMs: pick(random, [30, 100, 500]),
    heartbeatMs: pick(random, [300, 2000]),
    lagPositionsMax: pick(random, [8, 10_000]),
    stopMsMax: 400,
    snapshotEntriesMax: pick(random, [3, 12, 1000]),
    auditMs: 1000,
    auditEntries: 20,
  }
}
