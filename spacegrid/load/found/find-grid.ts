import { join } from 'node:path'
import { GridError } from '@spacegrid/grid/core/errors'
import { httpUrl } from '@spacegrid/grid/doors/http/http-url'
import { KnownUnits } from '@spacegrid/grid/drivers/nats/known-units'
import { unitRoles } from '@spacegrid/grid/engine/placement/member'
import type { Environment } from '@spacegrid/grid/program/environment'
import { readClusterFile } from '../../cluster/cluster-file.ts'
import { knownToken } from '../../keys/known-token.ts'
import { commandLineOf } from '../../servers/process-identity.ts'

/** A process of the grid, and where it tells how it is. */
export interface WatchedProcess {
  readonly name: string
  readonly admin: string
  /** What it wants to be shown there. */
  readonly token?: string | undefined
}

/** A grid that can be put under load. */
export interface FoundGrid {
  readonly url: URL
  /** How it was found, for people: one sentence. */
  readonly how: string
  /** Those that say how they are, as far as that is known now; units come and go. */
  processes(): Promise<readonly WatchedProcess[]>
  close(): Promise<void>
}

/** What is asked for: a grid at an address, or whichever is found. */
export interface Wanted {
  readonly url?: URL | undefined
  readonly space: string
  /** Addresses of processes that say how they are; none: those that are found. */
  readonly status?: readonly string[] | undefined
}

/**
 * Finds the grid as the other commands do: by its servers where the environment names them, else by
 * what the cluster that was started last in this data directory has written, if any process of it
 * is still there, else where `npx spacegrid start` serves. A URL that is given is taken; whoever
 * serves there says how it is if it is one of these.
 *
 * @throws GridError `log_unavailable` when NATS does not answer; `no_responder` when it knows of no
 * unit of the space
 */
export async function findGrid(wanted: Wanted, environment: Environment): Promise<FoundGrid> {
  const found = await whereItIs(wanted, environment)
  const { status } = wanted
  const token = knownToken(environment)
  const withToken = (processes: readonly WatchedProcess[]) =>
    processes.map((process) => ({ ...process, token }))
  if (status === undefined || status.length === 0)
    return { ...found, processes: async () => withToken(await found.processes()) }
  const processes = withToken(status.map((admin) => ({ name: new URL(admin).host, admin })))
  return { ...found, processes: async () => processes }
}

async function whereItIs(wanted: Wanted, environment: Environment): Promise<FoundGrid> {
  const { NATS_URL: nats, DATA_DIR: folder, HOST: host, PORT, ADMIN_PORT } = environment
  if (nats !== undefined) return await ofNats(wanted, nats)
  const cluster = await runningCluster(folder)
  const isMeant = wanted.url === undefined || wanted.url.origin === cluster?.url.origin
  if (cluster && isMeant) {
    const how = `the cluster of ${join(folder, 'cluster.json')}`
    return {
      url: wanted.url ?? cluster.url,
      how,
      processes: async () => (await runningCluster(folder))?.processes ?? cluster.processes,
      close: async () => {},
    }
  }
  const usual = new URL(httpUrl(host, PORT))
  const isUsual = wanted.url === undefined || wanted.url.origin === usual.origin
  const processes = [{ name: 'embedded', admin: httpUrl(host, ADMIN_PORT) }]
  return {
    url: wanted.url ?? usual,
    how:
      wanted.url !== undefined
        ? 'named by --url'
        : `where npx spacegrid start serves (no NATS_URL, no cluster that runs in ${folder})`,
    processes: async () => (isUsual ? processes : []),
    close: async () => {},
  }
}

async function ofNats({ url, space }: Wanted, nats: string): Promise<FoundGrid> {
  const known = await KnownUnits.open(nats)
  const those = async () => (await known.ask()).filter((unit) => unit.spaces.includes(space))
  const units = await those()
  const first = units.find(({ role }) => role === unitRoles.commands)
  const address = url ?? (first && new URL(first.http))
  if (address === undefined) {
    await known.close()
    throw new GridError(
      'no_responder',
      `No unit at ${nats} says that it serves ${space} and where: is the grid running? Its address is named by --url`,
    )
  }
  const addresses = [...new Set(units.map(({ http }) => http))]
  const others = addresses.length > 1 ? ` at ${addresses.length} addresses, this is the first` : ''
  return {
    url: address,
    how: `${units.length === 1 ? 'the one unit' : `one of ${units.length} units`} that NATS at ${nats} knows${others}`,
    processes: async () =>
      (await those()).flatMap(({ unit, admin }) => (admin ? [{ name: unit, admin }] : [])),
    close: () => known.close(),
  }
}

interface Cluster {
  readonly url: URL
  readonly processes: readonly WatchedProcess[]
}

/** Undefined: none was ever started there, or none of its processes is left. */
async function runningCluster(folder: string): Promise<Cluster | undefined> {
  const file = await readClusterFile(folder)
  if (file === undefined) return undefined
  const { urls, processes } = file
  const alive: WatchedProcess[] = []
  for (const { name, pid, adminPort } of processes)
    if (adminPort > 0 && (await commandLineOf(pid)))
      alive.push({ name, admin: `http://127.0.0.1:${adminPort}` })
  return alive.length === 0 ? undefined : { url: new URL(urls.http), processes: alive }
}
