import { defaultTransactionLimits } from '@spacegrid/grid/core/limits'
import { limitsWithin, sharedLimits } from '@spacegrid/grid/engine/memory/memory-limits'
import type { Environment } from '@spacegrid/grid/program/environment'
import type { UnitOptions } from './unit-options.ts'

/**
 * What a unit may hold on its way, and how long it may wait, within the memory of its process and
 * as the environment says; of a space with several partitions, the unit of one of them.
 */
export function unitLimits(
  environment: Pick<Environment, 'COMMAND_BYTES_MAX' | 'COMMAND_ENTRIES_MAX' | 'QUEUE_DELAY_MS'>,
  budgetBytes: number,
  partitions = 1,
): Pick<
  UnitOptions,
  | 'queueDelayMs'
  | 'transactionBytesMax'
  | 'pendingBytesMax'
  | 'frameBytesMax'
  | 'snapshotBytesMax'
  | 'snapshotPieceBytesMax'
  | 'liveBytesMax'
  | 'transaction'
> {
  const limits = sharedLimits(limitsWithin(budgetBytes), partitions)
  const { transactionBytesMax, pendingBytesMax, frameBytesMax } = limits
  const bytesMax = environment.COMMAND_BYTES_MAX ?? transactionBytesMax
  return {
    queueDelayMs: environment.QUEUE_DELAY_MS,
    transactionBytesMax: bytesMax,
    pendingBytesMax: Math.max(pendingBytesMax, bytesMax),
    frameBytesMax,
    snapshotBytesMax: limits.snapshotBytesMax,
    snapshotPieceBytesMax: limits.snapshotPieceBytesMax,
    liveBytesMax: limits.liveBytesMax,
    transaction: {
      ...defaultTransactionLimits,
      writesMax: environment.COMMAND_ENTRIES_MAX,
      charactersMax: bytesMax,
    },
  }
}
