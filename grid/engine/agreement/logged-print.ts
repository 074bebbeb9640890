import { isGridError } from '../../core/errors.ts'
import { FrameKind } from '../../core/frame.ts'
import type { SpaceState } from '../../core/space-state.ts'
import { StepKind } from '../../core/steps.ts'
import { transactionId } from '../../core/version.ts'
import type { Log } from '../ports/log.ts'
import { decodeFrame } from '../wire/frame-codec.ts'
import type { EntryName } from './audit-message.ts'
import { fingerprintOf } from './fingerprint.ts'

/**
 * The fingerprint that an entry has by the log itself: where the log still holds the record that
 * wrote it, and that put it as a whole. undefined: the log does not say (it is trimmed, it cannot
 * be reached, an operation has made the value of an earlier one).
 */
export async function loggedPrint(
  log: Log,
  state: SpaceState,
  { cache, key, position }: EntryName,
): Promise<number | undefined> {
  const layout = state.layout.named(cache)
  const version = layout && state.find(layout.number, key)?.version
  try {
    const record = await log.read(position)
    const frame = record && decodeFrame(record.data)
    if (frame?.kind !== FrameKind.transactions) return undefined
    const writer = frame.transactions.find(
      ({ number }) => transactionId(frame.origin, number) === version,
    )
    const step = writer?.steps.findLast(
      (one) => one.kind === StepKind.put && one.cache === layout?.number && one.key === key,
    )
    return step?.kind === StepKind.put ? fingerprintOf(version ?? 0, step.value) : undefined
  } catch (error) {
    if (isGridError(error)) return undefined
    throw error
  }
}
