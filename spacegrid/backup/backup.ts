import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { makeFolder } from '@spacegrid/grid/drivers/system/make-folder'
import type { Progress } from '../recover/exact-copies.ts'
import type { RecoveryGrid } from '../recover/recovery-grid.ts'
import { tryToLock } from '../servers/file-lock.ts'
import { type Cut, closedCut, positionBy } from './consistent-cut.ts'
import { LogBackup } from './log-backup.ts'
import {
  type BackupMade,
  emptyManifest,
  type Manifest,
  newestRun,
  readManifest,
  writeManifest,
} from './manifest.ts'
import type { RecordFile } from './record-file.ts'

const attemptsMax = 3

export interface BackupOptions {
  readonly folder: string
  /** Takes a snapshot although what is there could be gone on from. */
  readonly full: boolean
  readonly progress: Progress
}

export interface BackupDone {
  readonly manifest: Manifest
  readonly made: BackupMade
  /** Logs that went on where the backup before had ended. */
  readonly incremental: readonly LogName[]
}

/** What is in a folder, and nobody else writes to it meanwhile. */
export async function atBackup<T>(folder: string, work: () => Promise<T>): Promise<T> {
  makeFolder(folder)
  const lock = join(folder, 'backup.lock')
  if (!(await tryToLock(lock)) && !(await tryToLock(lock)))
    throw new GridError('configuration_invalid', `Another backup is being written to ${folder}`)
  try {
    return await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

/**
 * Backs up logs of a grid that goes on meanwhile. What is in the folder already is added to; it
 * counts as it was until all of what is new is on the disk.
 */
export async function backUp(
  grid: RecoveryGrid,
  logNames: readonly LogName[],
  options: BackupOptions,
): Promise<BackupDone> {
  const { folder, progress } = options
  return await atBackup(folder, async () => {
    const before = readManifest(folder) ?? emptyManifest
    const backups = new Map<LogName, LogBackup>()
    const begin = async (logName: LogName) => {
      await backups.get(logName)?.close()
      const place = placeIn(before, logName, options)
      backups.set(logName, await LogBackup.begin(place, await grid.portsOf(logName)))
    }
    try {
      await Promise.all(logNames.map(begin))
      for (const logName of logNames)
        await inTime(
          () => backups.get(logName)?.takeBase(progress),
          () => begin(logName),
        )
      return await finish(before, [...backups.values()], options)
    } finally {
      for (const backup of backups.values()) await backup.close()
    }
  })
}

/** What is persisted leaves the log while others are asked: the next attempt begins later. */
async function inTime(take: () => Promise<void> | undefined, again: () => Promise<void>) {
  for (let attempt = 1; ; attempt++)
    try {
      await take()
      return
    } catch (error) {
      if (!isGridError(error, 'log_trimmed') || attempt === attemptsMax) throw error
      await again()
    }
}

async function finish(
  before: Manifest,
  backups: readonly LogBackup[],
  { folder, progress }: BackupOptions,
): Promise<BackupDone> {
  const cut = await cutNow(backups, progress)
  const runs = await Promise.all(backups.map((it) => it.end(cut.get(it.logName) ?? 0)))
  const made = { at: new Date().toISOString(), positions: Object.fromEntries(cut) }
  const isReplaced = new Set(runs.map(({ records }) => records.file))
  const kept = before.runs.filter(({ records }) => !isReplaced.has(records.file))
  const manifest = { ...before, runs: [...kept, ...runs], made: [...before.made, made] }
  writeManifest(folder, manifest)
  const incremental = backups.filter((it) => it.isIncremental).map(({ logName }) => logName)
  return { manifest, made, incremental }
}

function placeIn(manifest: Manifest, logName: LogName, { folder, full }: BackupOptions) {
  const number = manifest.runs.filter(({ log }) => log === logName).length + 1
  return { folder, logName, before: newestRun(manifest, logName), number, full }
}

/**
 * Everything that was stored by one moment. Where each log ends is asked twice: what one of them
 * has by the first time, the others have by the second what it follows from.
 */
async function cutNow(backups: readonly LogBackup[], progress: Progress): Promise<Cut> {
  const ends = async () => {
    const ended = new Map<LogName, number>()
    for (const backup of backups) ended.set(backup.logName, await backup.last())
    for (const backup of backups) await backup.reach(ended.get(backup.logName) ?? 0, progress)
    return ended
  }
  const first = await ends()
  const files = new Map<LogName, RecordFile>()
  for (const { logName, records } of backups) files.set(logName, records)
  const timeOf = ([logName, position]: [LogName, number]) =>
    files.get(logName)?.recordAt(position)?.time ?? 0
  const time = Math.max(...Array.from(first, timeOf))
  await ends()
  const cut = new Map<LogName, number>()
  for (const [logName, file] of files)
    cut.set(logName, Math.max(first.get(logName) ?? 0, positionBy(file, time)))
  return await closedCut(cut, files)
}
