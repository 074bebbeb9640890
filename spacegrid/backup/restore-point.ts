import { GridError } from '@spacegrid/grid/core/errors'
import { type LogName, logNameOf, spaceOf } from '@spacegrid/grid/core/log-name'
import { type PositionToken, positionsOf, readPosition } from '@spacegrid/grid/core/position'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import { reachOf } from './backed-up-state.ts'
import { openRecords } from './backup-files.ts'
import { closedCut, positionBy } from './consistent-cut.ts'
import type { BackupRun, Manifest } from './manifest.ts'
import type { RecordFile } from './record-file.ts'

/** A moment: that of the last backup, a time (ms since the epoch), or a position of a space. */
export type Moment = 'last' | { readonly time: number } | { readonly token: PositionToken }

/** One log of a backup, and its position at the moment that was asked for. */
export interface RestorePoint {
  readonly run: BackupRun
  readonly position: number
}

/** @throws GridError `invalid_input` */
export function momentOf(text: string | undefined): Moment {
  if (text === undefined) return 'last'
  const token = readPosition(text)
  if (token !== undefined) return { token }
  const time = Date.parse(text)
  if (/^\d{4}-.*(Z|[+-]\d\d:\d\d)$/.test(text) && Number.isFinite(time)) return { time }
  throw new GridError(
    'invalid_input',
    `${text} is no moment: allowed is a position that an answer has named (1234, or 0.1200-1.88), or a time with its zone (2026-11-27T21:00:00Z)`,
  )
}

/**
 * Where logs are at a moment. A command across partitions that it goes through is taken in, or left
 * out, as a whole: so a position may be a little later than what was asked for.
 * @throws GridError `position_out_of_reach`, `invalid_input`
 */
export async function restorePoints(
  folder: string,
  manifest: Manifest,
  logNames: readonly LogName[],
  moment: Moment,
  clock: Clock,
): Promise<RestorePoint[]> {
  const files = new Map<LogName, RecordFile>()
  try {
    const runs = new Map<LogName, BackupRun>()
    const cut = new Map<LogName, number>()
    for (const log of logNames) {
      const { run, position } = pointOf(folder, manifest, log, moment, clock)
      runs.set(log, run)
      cut.set(log, position)
      files.set(log, openRecords(folder, run, clock))
    }
    const closed = await closedCut(cut, files)
    return Array.from(runs, ([log, run]) => ({ run, position: closed.get(log) ?? 0 }))
  } finally {
    for (const file of files.values()) await file.close()
  }
}

function pointOf(
  folder: string,
  manifest: Manifest,
  log: LogName,
  moment: Moment,
  clock: Clock,
): RestorePoint {
  const runs = manifest.runs.filter((run) => run.log === log).reverse()
  for (const run of runs) {
    const position = positionIn(folder, manifest, run, moment, clock)
    const reach = reachOf(run)
    if (position === undefined || reach === undefined) continue
    if (position >= reach && position <= run.last) return { run, position }
  }
  const held = runs.map((run) => `${reachOf(run) ?? '-'} to ${run.last}`)
  throw new GridError(
    'position_out_of_reach',
    `This backup has no such moment of ${log}: it has positions ${held.join(', ') || '-'}`,
  )
}

function positionIn(
  folder: string,
  { made }: Manifest,
  run: BackupRun,
  moment: Moment,
  clock: Clock,
): number | undefined {
  if (moment === 'last')
    return made.findLast(({ positions }) => run.log in positions)?.positions[run.log]
  if ('time' in moment) return positionAt(folder, run, moment.time, clock)
  return positionOf(run.log, moment.token)
}

function positionAt(folder: string, run: BackupRun, time: number, clock: Clock): number {
  const file = openRecords(folder, run, clock)
  try {
    return positionBy(file, time)
  } finally {
    void file.close()
  }
}

/** @throws GridError `invalid_input`: it says nothing of the log */
export function positionOf(log: LogName, token: PositionToken): number {
  const space = spaceOf(log)
  const positions = positionsOf(token)
  if (!positions) {
    if (log === space && typeof token === 'number') return token
    throw new GridError(
      'invalid_input',
      `${space} has several logs: say a moment by the token of an answer of all partitions (0.1200-1.88), or by a time`,
    )
  }
  for (const [partition, position] of positions)
    if (logNameOf(space, partition) === log) return position
  throw new GridError('invalid_input', `${token} says nothing of ${log}`)
}
