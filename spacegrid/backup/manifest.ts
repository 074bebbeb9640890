import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

export const manifestFile = 'backup.json'
const format = 1

const Count = Type.Integer({ minimum: 0 })

/** A file of the folder, and how much of it counts. */
const Part = Type.Object({ file: Type.String(), bytes: Count })

/** What a replica, or a store, has said that it is at a position. */
const Print = Type.Object({ position: Count, digest: Type.String(), by: Type.String() })

/** A snapshot that states are made from. */
const Base = Type.Object({
  position: Count,
  /** Who gave it, for people. */
  from: Type.String(),
  /** What had left memory, exact from `until` on. Left out: nothing of the space ever does. */
  archive: Type.Optional(Type.Object({ ...Part.properties, entries: Count, until: Count })),
})

/** A log without a gap, and snapshots that it continues. */
const Run = Type.Object({
  log: Type.String(),
  identity: Type.String(),
  /** First and last position of the log that are held; an empty one ends before it begins. */
  first: Count,
  last: Count,
  records: Part,
  snapshots: Part,
  bases: Type.Array(Base),
  prints: Type.Array(Print),
})

/** One time that somebody has made a backup here, or added to it. */
const Made = Type.Object({
  at: Type.String(),
  /** By log: all of them together are what the spaces were at one moment. */
  positions: Type.Record(Type.String(), Count),
})

const ManifestSchema = Type.Object({
  format: Type.Literal(format),
  runs: Type.Array(Run),
  made: Type.Array(Made),
})

export type BackupPrint = Type.Static<typeof Print>
export type BackupBase = Type.Static<typeof Base>
export type BackupRun = Type.Static<typeof Run>
export type BackupMade = Type.Static<typeof Made>
/** What a backup is: what is in its folder and is not named here does not count. */
export type Manifest = Type.Static<typeof ManifestSchema>

export const emptyManifest: Manifest = { format, runs: [], made: [] }

/**
 * undefined: there is no backup in the folder, or none that has come to its end.
 * @throws GridError `record_damaged`, `format_unsupported`
 */
export function readManifest(folder: string): Manifest | undefined {
  const path = join(folder, manifestFile)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const { crc, backup } = parsed(text)
  if (backup === undefined || crc !== checksum(backup))
    throw new GridError('record_damaged', `${path} is not as it was written`)
  if (Value.Check(ManifestSchema, backup)) return backup
  throw new GridError('format_unsupported', `${path} is of another version of Spacegrid`)
}

/** All at once: whoever is interrupted leaves what was there before. */
export function writeManifest(folder: string, manifest: Manifest): void {
  const path = join(folder, manifestFile)
  const file = openSync(`${path}.new`, 'w')
  try {
    const sealed = { crc32: checksum(manifest), backup: manifest }
    writeSync(file, `${JSON.stringify(sealed, null, 2)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${path}.new`, path)
}

/** What cannot be read has none. */
function parsed(text: string): { readonly crc?: unknown; readonly backup?: unknown } {
  try {
    const { crc32: crc, backup } = JSON.parse(text)
    return { crc, backup }
  } catch {
    return {}
  }
}

const checksum = (backup: unknown): string =>
  crc32(JSON.stringify(backup)).toString(16).padStart(8, '0')

/** The newest run of a log, if there is one. */
export const newestRun = ({ runs }: Manifest, log: LogName): BackupRun | undefined =>
  runs.findLast((run) => run.log === log)
