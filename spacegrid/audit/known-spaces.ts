import { readdirSync } from 'node:fs'
import { MongoStore } from '@spacegrid/grid/drivers/mongodb/mongo-store'
import { spacesWithLogs } from '@spacegrid/grid/drivers/nats/spaces-with-logs'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import type { Environment } from '@spacegrid/grid/program/environment'

interface ServerUrls {
  readonly nats?: string | undefined
  readonly mongodb?: string | undefined
}

/**
 * The spaces of a grid: those that `SPACES` names, or all that have a log on NATS or are stored in
 * MongoDB. One of the two may have lost what it had, or be away.
 * @throws GridError what the servers say when none of them answers
 */
export async function spacesOfServers(
  { nats, mongodb }: ServerUrls,
  { SPACES, MONGODB_DB }: Environment,
): Promise<string[]> {
  if (SPACES !== undefined) return SPACES.split(',')
  const asked = await Promise.allSettled([
    ...(nats === undefined ? [] : [spacesWithLogs(nats)]),
    ...(mongodb === undefined ? [] : [storedSpaces(mongodb, MONGODB_DB)]),
  ])
  const found = asked.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []))
  const [failed] = asked.flatMap((it) => (it.status === 'rejected' ? [it.reason] : []))
  if (found.length === 0 && failed !== undefined) throw failed
  return sorted(found.flat())
}

async function storedSpaces(url: string, database: string): Promise<string[]> {
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
export function spacesOfFolder(
  { SPACES, DATA_DIR: folder }: Environment,
  stored: readonly string[],
): string[] {
  if (SPACES !== undefined) return SPACES.split(',')
  const names = readdirSync(folder).flatMap(
    (file) => /^(.+)-(?:log|changes)\.mdb$/.exec(file)?.[1] ?? [],
  )
  return sorted([...names, ...stored])
}

const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort()
