import { type LogName, partitionOf, spaceOf } from '@spacegrid/grid/core/log-name'
import { tokenOfAll } from '@spacegrid/grid/core/position'
import { reachOf } from './backed-up-state.ts'
import type { BackupDone } from './backup.ts'
import type { BackupMade } from './manifest.ts'
import type { Restored } from './restore.ts'
import type { Verified } from './verify.ts'

/** By space: its position, or its token. */
export function tokensOf(positions: BackupMade['positions']): Map<string, string> {
  const tokens = new Map<string, string>()
  const bySpace = Map.groupBy(Object.entries(positions), ([log]) => spaceOf(log))
  for (const [space, logs] of bySpace) {
    const [first] = logs
    if (logs.length === 1 && first?.[0] === space) tokens.set(space, String(first[1]))
    else
      tokens.set(
        space,
        tokenOfAll(new Map(logs.map(([log, position]) => [partitionOf(log) ?? 0, position]))),
      )
  }
  return tokens
}

/** What was backed up, for programs. */
export function backupData({ manifest, made, incremental }: BackupDone): object {
  return {
    at: made.at,
    spaces: Object.fromEntries(tokensOf(made.positions)),
    logs: Object.entries(made.positions).map(([log, position]) => {
      const run = manifest.runs.findLast((it) => it.log === log)
      const bytes = (run?.records.bytes ?? 0) + (run?.snapshots.bytes ?? 0)
      const reach = run && reachOf(run)
      const print = run?.prints.findLast((it) => it.position === position)
      return {
        ...{ log, position, from: reach ?? null, to: run?.last ?? null, bytes },
        ...{ digest: print?.digest ?? null, by: print?.by ?? null },
        incremental: incremental.includes(log),
      }
    }),
  }
}

/** The same for people. */
export function backupText(done: BackupDone, folder: string): string {
  const { manifest, made, incremental } = done
  const lines = Array.from(tokensOf(made.positions), ([space, token]) => `${space} at ${token}\n`)
  for (const log of Object.keys(made.positions)) {
    const run = manifest.runs.findLast((it) => it.log === log)
    if (!run) continue
    const how = incremental.includes(log) ? 'added to what was there' : sourceOf(run.bases.at(-1))
    lines.push(
      `  ${log}: positions ${reachOf(run) ?? '-'} to ${run.last} can be restored (${how})\n`,
    )
  }
  return `${lines.join('')}In ${folder}. npx spacegrid backup --verify ${folder} makes it again in memory and compares digests.\n`
}

const sourceOf = (base: { readonly from: string } | undefined): string =>
  base ? `a snapshot from ${base.from}` : 'the log from its beginning'

const shown = (time: number): string => (time > 0 ? new Date(time).toISOString() : '-')

const proof = (isProved: boolean): string =>
  isProved ? 'what the grid itself had there' : 'nobody of the grid had told its own there'

export const verifiedText = (verified: readonly Verified[]): string =>
  verified
    .map(
      ({ log, position, entries, archived, digest, time, isProved, reach }) =>
        `${log} at position ${position} (${shown(time)}): ${entries} entries${archived > 0 ? `, ${archived} that have left memory` : ''}, digest ${digest}: ${proof(isProved)}. From position ${reach} on\n`,
    )
    .join('')

export const restoredText = (restored: readonly Restored[]): string =>
  `${restored
    .map(
      ({ log, from, position, entries, digest, time, isProved, goesOnAt }) =>
        `${log} is what ${from} was at position ${position} (${shown(time)}): ${entries} entries, read again, digest ${digest}: ${proof(isProved)}. Its new log begins at ${goesOnAt}\n`,
    )
    .join('')}Start the units, pump, writer and reader.\n`

/** Logs of spaces that were named, or all. */
export const logsWanted = (
  { made }: { readonly made: readonly BackupMade[] },
  spaces: readonly string[] | undefined,
): LogName[] => {
  const known = [...new Set(made.flatMap(({ positions }) => Object.keys(positions)))]
  return spaces === undefined ? known : known.filter((log) => spaces.includes(spaceOf(log)))
}
