import { join } from 'node:path'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { BackupBase, BackupRun } from './manifest.ts'
import { RecordFile } from './record-file.ts'

/** The log of a run, to be read. */
export const openRecords = (folder: string, run: BackupRun, clock: Clock): RecordFile =>
  new RecordFile(join(folder, run.records.file), clock, {
    identity: run.identity,
    first: run.first,
    bytes: run.records.bytes,
  })

/** Its snapshots, as `KeptSnapshots` has them. */
export const openSnapshots = (folder: string, run: BackupRun, clock: Clock): RecordFile =>
  new RecordFile(join(folder, run.snapshots.file), clock, {
    identity: `snapshots of ${run.identity}`,
    first: 1,
    bytes: run.snapshots.bytes,
  })

/** What had left memory, in pieces of snapshots; undefined: there was none. */
export function openArchive(
  folder: string,
  { archive }: BackupBase,
  clock: Clock,
): RecordFile | undefined {
  if (!archive) return undefined
  const { file, bytes } = archive
  return new RecordFile(join(folder, file), clock, { identity: file, first: 1, bytes })
}
