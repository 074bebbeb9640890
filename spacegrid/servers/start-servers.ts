import { join, resolve } from 'node:path'
import { GridError } from '@spacegrid/grid/core/errors'
import { withFileLock } from './file-lock.ts'
import { becomesFree, isPortFree } from './free-port.ts'
import { LocalServer, type StartOptions } from './local-server.ts'
import { mongodKind } from './mongod.ts'
import { natsServerKind } from './nats-server.ts'
import { redisServerKind } from './redis-server.ts'
import type { ServerKind } from './server-kind.ts'
import { type ServerName, serverNames } from './server-name.ts'
import { type ServerRecord, ServerState } from './server-state.ts'

/** `free`: on any free port, for tests and for clusters side by side. */
export type ServerPorts = 'customary' | 'free'

export interface StartServersOptions {
  /** `DATA_DIR`: the servers' data, logs and `servers.json` are in it. */
  dataDirectory: string
  /** Which servers; all by default. */
  which?: readonly ServerName[]
  /**
   * Where servers start that have never run for this data folder. Default `customary`, if that is
   * free.
   */
  ports?: ServerPorts
  /** Folder of keys as `npx spacegrid keys` makes it: the servers are closed. By default open. */
  keys?: string | undefined
  /** Told about downloads; nobody by default. */
  say?: (line: string) => void
}

type Kinds = Readonly<Record<ServerName, ServerKind>>

const kindsOf = (keys?: string): Kinds => ({
  nats: natsServerKind(keys === undefined ? {} : { keys }),
  mongodb: mongodKind(keys),
  redis: redisServerKind(keys),
})

/**
 * Makes sure that the servers of a data folder run, and resolves once all of them serve. Those that
 * run already are taken over as they are; the others start on the port they had last, else on their
 * customary one (unless `ports` says otherwise), else on a free one. They outlive this process.
 * When one fails, those that this call has started are stopped again.
 */
export async function startServers(
  options: StartServersOptions,
): Promise<Map<ServerName, LocalServer>> {
  const { which = serverNames, ports = 'customary', keys, say } = options
  const kinds = kindsOf(keys)
  const dataDirectory = resolve(options.dataDirectory)
  return await withFileLock(join(dataDirectory, 'servers.lock'), async () => {
    const state = await ServerState.read(dataDirectory)
    const writing = new Writing(state)
    const started: LocalServer[] = []
    const results = await Promise.allSettled(
      which.map(async (name): Promise<[ServerName, LocalServer]> => {
        const startOptions: StartOptions = {
          ...(say === undefined ? {} : { say }),
          folder: folderOf(dataDirectory, name),
          onSpawn: (server) => writing.put(server),
        }
        const running = await adopt(kinds, state.get(name), name, startOptions)
        if (running !== undefined) {
          checkIsLike(state.get(name), running, dataDirectory)
          if (running.pid !== state.get(name)?.pid) await writing.put(running)
          await running.untilServing()
          return [name, running]
        }
        const port = await choosePort(kinds[name], state.get(name)?.port, ports)
        const server = await LocalServer.start(kinds[name], { ...startOptions, port })
        started.push(server)
        return [name, server]
      }),
    )
    const failures = results.filter((result) => result.status === 'rejected')
    if (failures.length > 0) {
      for (const server of started) await server.stop()
      const unusable = failures.find(({ reason }) => reason instanceof GridError)
      if (unusable) throw unusable.reason
      throw new Error(failures.map(({ reason }) => (reason as Error).message).join('\n'), {
        cause: failures[0]?.reason,
      })
    }
    return new Map(
      results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    )
  })
}

/**
 * A local server as `servers.json` or the server itself has it, and whether it runs: undefined when
 * it does not.
 */
export interface KnownServer {
  record: ServerRecord
  running: LocalServer | undefined
}

/** Every server that was ever started for this data folder. */
export async function knownServers(dataDirectory: string): Promise<KnownServer[]> {
  const state = await ServerState.read(resolve(dataDirectory))
  const known: KnownServer[] = []
  const kinds = kindsOf()
  for (const name of serverNames) {
    const folder = folderOf(resolve(dataDirectory), name)
    const running = await adopt(kinds, state.get(name), name, { folder })
    const written = state.get(name)
    // Open or closed, which only what was written down says.
    const url = written?.port === running?.port ? written?.url : undefined
    const { pid = 0, port = 0 } = running ?? {}
    const record = running ? { name, pid, port, url: url ?? running.url } : written
    if (record !== undefined) known.push({ record, running })
  }
  return known
}

/** Folder of the keys of those that were closed when they ran last; undefined: they were open. */
export async function keysOfServers(dataDirectory: string): Promise<string | undefined> {
  const state = await ServerState.read(resolve(dataDirectory))
  const closed = serverNames.some((name) => isClosed(state.get(name)?.url ?? ''))
  return closed ? keysIn(dataDirectory) : undefined
}

/** Where the keys of a closed grid on this machine are. */
export const keysIn = (dataDirectory: string): string => join(resolve(dataDirectory), 'keys')

const isClosed = (url: string): boolean => url.includes('passwordFile=') || url.startsWith('tls:')

/** Stops those that run, in good order, and gives their names. */
export async function stopServers(
  dataDirectory: string,
  which: readonly ServerName[] = serverNames,
): Promise<ServerName[]> {
  const lock = join(resolve(dataDirectory), 'servers.lock')
  return await withFileLock(lock, async () => {
    const running = (await knownServers(dataDirectory))
      .flatMap((known) => known.running ?? [])
      .filter(({ name }) => which.includes(name))
    await Promise.all(running.map((server) => server.stop()))
    return running.map(({ name }) => name)
  })
}

function folderOf(dataDirectory: string, name: ServerName): string {
  return join(dataDirectory, 'servers', name)
}

/** A server goes on as it was started, open or closed. */
function checkIsLike(
  record: ServerRecord | undefined,
  { name, url }: LocalServer,
  dataDirectory: string,
): void {
  if (record === undefined || isClosed(record.url) === isClosed(url)) return
  const [is, wanted] = isClosed(url) ? ['open', 'closed'] : ['closed', 'open']
  throw new GridError(
    'configuration_invalid',
    `${name} of ${dataDirectory} runs and is ${is}, it is to be ${wanted}: stop it first (npx spacegrid servers down)`,
  )
}

async function adopt(
  kinds: Kinds,
  record: ServerRecord | undefined,
  name: ServerName,
  options: StartOptions,
): Promise<LocalServer | undefined> {
  const written = record && (await LocalServer.adopt(kinds[name], record.pid, record.port, options))
  // A start that was killed before it wrote anything down has left its server running.
  return written ?? (await LocalServer.adoptFrom(kinds[name], options))
}

/** 0, which stands for any free one, when neither the last port nor the customary one is free. */
async function choosePort(
  { customaryPort }: ServerKind,
  lastPort: number | undefined,
  ports: ServerPorts,
): Promise<number> {
  if (lastPort !== undefined && (await becomesFree(lastPort))) return lastPort
  return ports === 'customary' && (await isPortFree(customaryPort)) ? customaryPort : 0
}

/**
 * Servers start at the same time, but one file holds all of them: one record is written after the
 * other.
 */
class Writing {
  readonly #state: ServerState
  #last: Promise<void> = Promise.resolve()

  constructor(state: ServerState) {
    this.#state = state
  }

  put({ name, pid, port, url }: LocalServer): Promise<void> {
    this.#last = this.#last.then(() => this.#state.put({ name, pid, port, url }))
    return this.#last
  }
}
