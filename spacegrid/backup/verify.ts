import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Progress } from '../recover/exact-copies.ts'
import { reachOf, stateAt } from './backed-up-state.ts'
import type { RestorePoint } from './restore-point.ts'

/** What a backup would restore of one log. */
export interface Verified {
  readonly log: LogName
  readonly position: number
  readonly entries: number
  readonly archived: number
  readonly digest: string
  readonly time: number
  /** Somebody of the original has said that this was its digest, there. */
  readonly isProved: boolean
  /** The first position that can be restored. */
  readonly reach: number
}

/**
 * Makes what would be restored, in memory, log by log, and forgets it again.
 * @throws GridError `record_damaged`, `diverged`
 */
export async function verify(
  folder: string,
  points: readonly RestorePoint[],
  clock: Clock,
  progress: Progress,
): Promise<Verified[]> {
  const verified: Verified[] = []
  for (const { run, position } of points) {
    const tell: Progress = (what, count) => progress(`${run.log}: ${what}`, count)
    const { state, proved, archived } = await stateAt(folder, run, position, clock, tell)
    let gone = 0
    for await (const piece of archived()) gone += piece.length
    verified.push({
      ...{ log: run.log, position, archived: gone, time: state.time },
      ...{ entries: state.entryCount, digest: state.digest.toString() },
      isProved: proved.includes(position),
      reach: reachOf(run) ?? 0,
    })
  }
  return verified
}
