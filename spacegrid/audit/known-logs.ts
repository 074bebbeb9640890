import { readdirSync } from 'node:fs'
import { type LogName, sortedLogNames } from '@spacegrid/grid/core/log-name'
import { MongoStore } from '@spacegrid/grid/drivers/mongodb/mongo-store'
import { knownLogs } from '@spacegrid/grid/drivers/nats/known-logs'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import type { Environment } from '@spacegrid/grid/program/environment'
import { logNamesOfAll, namedSpaces } from '@spacegrid/grid/program/named-spaces'

interface ServerUrls {
  readonly nats?: string | undefined
  readonly mongodb?: string | undefined
}

/**
 * The logs of a grid: those of the spaces that `SPACES` names, or all that are on NATS or whose
 * space, or partition, is stored in MongoDB. One of the two may have lost what it had, or be away.
 * @throws GridError what the servers say when none of them answers
 */
export async function logsOfServers(
  { nats, mongodb }: ServerUrls,
  { SPACES, MONGODB_DB }: Environment,
): Promise<LogName[]> {
  if (SPACES !== undefined) return logNamesOfAll(namedSpaces(SPACES))
  const asked = await Promise.allSettled([
    ...(nats === undefined ? [] : [knownLogs(nats)]),
    ...(mongodb === undefined ? [] : [storedLogs(mongodb, MONGODB_DB)]),
  ])
  const found = asked.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []))
  const [failed] = asked.flatMap((it) => (it.status === 'rejected' ? [it.reason] : []))
  if (found.length === 0 && failed !== undefined) throw failed
  return sorted(found.flat())
}

async function storedLogs(url: string, database: string): Promise<LogName[]> {
  const store = new MongoStore(url, new SystemClock(), { database })
  try {
    return await store.logNames()
  } finally {
    await store.close()
  }
}

/**
 * The same of the embedded grid that is kept in `DATA_DIR`: those with a file of their own, or
 * stored.
 */
export function logsOfEmbedded(
  { SPACES, DATA_DIR }: Environment,
  stored: readonly LogName[],
): LogName[] {
  if (SPACES !== undefined) return logNamesOfAll(namedSpaces(SPACES))
  return sorted([...logsOfFolder(DATA_DIR), ...stored])
}

/** Those that have a file in the folder of an embedded grid. */
export const logsOfFolder = (folder: string): LogName[] =>
  sorted(readdirSync(folder).flatMap((file) => /^(.+)-(?:log|changes)\.mdb$/.exec(file)?.[1] ?? []))

const sorted = (names: readonly LogName[]): LogName[] => sortedLogNames(new Set(names))
