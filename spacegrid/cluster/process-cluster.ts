import { rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { GridError } from '@spacegrid/grid/core/errors'
import { makeFolder } from '@spacegrid/grid/drivers/system/make-folder'
import { unitRoles } from '@spacegrid/grid/engine/placement/member'
import { makeGridKeys } from '../keys/grid-keys.ts'
import { becomesFree, findFreePort, isPortFree } from '../servers/free-port.ts'
import type { LocalServer } from '../servers/local-server.ts'
import type { ServerName } from '../servers/server-name.ts'
import { keysIn, knownServers, startServers } from '../servers/start-servers.ts'
import { ClosedComponents } from './closed-components.ts'
import type { ClusterUrls, ProcessClusterOptions } from './cluster-options.ts'
import { ComponentPlan, managerRole, namedSpacesOf } from './component-plan.ts'
import { ComponentProcess, type ComponentSettings } from './component-process.ts'
import { UnitPool } from './unit-pool.ts'

/** One row of the table, and of `cluster.json`. */
export interface ProcessRow {
  readonly role: string
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly adminPort: number
}

const readyMsMax = 60_000
const portFreeMsMax = 10_000
/** Where people look for the console first. */
const consolePortFirst = 8090

/** What has been started of a cluster when all of it is ready. */
interface BegunCluster {
  readonly urls: ClusterUrls
  readonly components: ComponentProcess[]
  readonly plan: ComponentPlan
  readonly dataDirectory: string
  readonly servers: ReadonlyMap<ServerName, LocalServer>
  readonly serverRows: readonly ProcessRow[]
  readonly say: ((line: string) => void) | undefined
}

/**
 * The grid on this machine as it runs in production: every component a process, real servers behind
 * them. What it keeps is in the servers' folders under the data directory, so started again there
 * after any kill it goes on where it was.
 */
export class ProcessCluster {
  readonly urls: ClusterUrls
  readonly components: ComponentProcess[]
  readonly #pool: UnitPool | undefined
  /** Those that this cluster has started. */
  readonly servers: ReadonlyMap<ServerName, LocalServer>
  readonly #serverRows: readonly ProcessRow[]
  readonly #plan: ComponentPlan
  readonly #dataDirectory: string
  /** Of units that are about to start. */
  readonly #numbers = new Set<number>()
  #writing: Promise<void> = Promise.resolve()

  private constructor({ say, ...begun }: BegunCluster) {
    this.urls = begun.urls
    this.components = begun.components
    this.#plan = begun.plan
    this.#dataDirectory = begun.dataDirectory
    this.servers = begun.servers
    this.#serverRows = begun.serverRows
    this.#pool = begun.plan.isElastic ? this.#poolOf(say ?? (() => undefined)) : undefined
  }

  /**
   * @throws Error when the port is taken, a server cannot be had or a component does not become
   * ready
   */
  static async start(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const { port, urls = {}, serverPorts: ports, say, signal, secure = false } = options
    // The units share the port, so a stranger's listening socket would go unnoticed and swallow
    // requests. Those of a cluster that has just been killed need a moment to notice and go.
    if (!(await isPortFree(port))) say?.(`Waiting for port ${port} to become free`)
    if (!(await becomesFree(port, portFreeMsMax)))
      throw new GridError(
        'configuration_invalid',
        `PORT=${port} is in use: stop whatever serves there (a grid that was started before?), or set PORT to a free one`,
      )
    const dataDirectory = resolve(options.dataDirectory)
    makeFolder(join(dataDirectory, 'logs'))
    const before = await knownServers(dataDirectory)
    const which = (['nats', 'mongodb', 'redis'] as const).filter((name) => urls[name] === undefined)
    const keys = secure ? await keysFor(options, dataDirectory) : undefined
    const found = await startServers({
      dataDirectory,
      which,
      keys,
      ...(ports ? { ports } : {}),
      ...(say ? { say } : {}),
    })
    const started = new Map(
      [...found].filter(([name]) => !before.some((s) => s.record.name === name && s.running)),
    )
    const { queryUnits = 0, waitingRooms = 0 } = options
    const queryPort = queryUnits === 0 ? 0 : await freePortFrom(port + 1)
    const roomPort =
      waitingRooms === 0 ? 0 : await freePortFrom((queryPort === 0 ? port : queryPort) + 1)
    const consolePort = options.console ? await freePortFrom(consolePortFirst) : 0
    const all = {
      http: `http://127.0.0.1:${port}`,
      ...(queryUnits === 0 ? {} : { queries: `http://127.0.0.1:${queryPort}` }),
      ...(waitingRooms === 0 ? {} : { waitingRoom: `http://127.0.0.1:${roomPort}` }),
      ...(consolePort === 0 ? {} : { console: `http://127.0.0.1:${consolePort}` }),
      nats: urls.nats ?? urlOf(found, 'nats'),
      mongodb: urls.mongodb ?? urlOf(found, 'mongodb'),
      redis: urls.redis ?? urlOf(found, 'redis'),
    }
    const own = { queryPort, roomPort, consolePort }
    const closed =
      keys === undefined ? undefined : new ClosedComponents(keys, new URL(all.nats).host)
    const plan = new ComponentPlan(options, dataDirectory, all, own, closed)
    const components: ComponentProcess[] = []
    try {
      signal?.throwIfAborted()
      for (const settings of await plan.all()) components.push(new ComponentProcess(settings))
      await Promise.all(components.map((component) => component.ready(readyMsMax, signal)))
    } catch (error) {
      await Promise.all(components.map((component) => component.stop()))
      await Promise.all([...started.values()].map((server) => server.stop()))
      throw error
    }
    const serverRows = [...found].map(([name, server]) => ({
      role: 'server',
      name,
      pid: server.pid,
      port: server.port,
      adminPort: 0,
    }))
    const cluster = new ProcessCluster({
      ...{ urls: all, components, plan, dataDirectory, say },
      ...{ servers: started, serverRows },
    })
    await cluster.#write()
    try {
      await cluster.#startManagers()
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  get processes(): readonly ProcessRow[] {
    const rows = this.components.map(({ pid, settings: { role, name, port, adminPort } }) => ({
      role,
      name,
      pid,
      port,
      adminPort,
    }))
    return [...rows, ...this.#serverRows]
  }

  get units(): readonly ComponentProcess[] {
    return this.components.filter(({ settings }) => settings.role === 'processing-unit')
  }

  get queryUnits(): readonly ComponentProcess[] {
    return this.components.filter(({ settings }) => settings.role === unitRoles.queries)
  }

  /** Whether it says by itself what becomes of this one. */
  speaksOf({ settings: { role } }: ComponentProcess): boolean {
    return this.#pool !== undefined && role === 'processing-unit'
  }

  get managers(): readonly ComponentProcess[] {
    return this.components.filter(({ settings }) => settings.role === managerRole)
  }

  /** One more processing unit, once it is ready. */
  async addUnit(): Promise<ComponentProcess> {
    const unit = await this.#startUnit()
    await unit.ready(readyMsMax)
    return unit
  }

  /** Under the lowest number that no unit has. */
  async #startUnit(role: 'unit' | 'spare' = 'unit'): Promise<ComponentProcess> {
    const number = this.#freeNumber()
    this.#numbers.add(number)
    const unit = new ComponentProcess(await this.#plan.unit(number, role))
    void unit.gone.then(() => this.#numbers.delete(number))
    this.components.push(unit)
    await this.#write()
    return unit
  }

  #freeNumber(): number {
    const names = new Set(this.units.map(({ settings }) => settings.name))
    for (let number = 1; ; number++)
      if (!this.#numbers.has(number) && !names.has(this.#plan.unitName(number))) return number
  }

  #poolOf(say: (line: string) => void): UnitPool {
    return new UnitPool({
      ...{ units: this.units, say },
      add: () => this.#startUnit(),
      spares: this.#plan.spares,
      addSpare: () => this.#startUnit('spare'),
      remove: (unit) => {
        const at = this.components.indexOf(unit)
        if (at >= 0) this.components.splice(at, 1)
        void this.#write()
      },
    })
  }

  async #startManagers(): Promise<void> {
    if (!this.#pool) return
    for (const settings of await this.#plan.managers()) this.components.push(this.#begun(settings))
    await Promise.all(this.managers.map((manager) => manager.ready(readyMsMax)))
    await this.#write()
  }

  /** A manager is answered for as long as it lives. */
  #begun(settings: ComponentSettings): ComponentProcess {
    const component = new ComponentProcess(settings)
    const pool = this.#pool
    if (pool && settings.role === managerRole)
      component.answerWith((message) => pool.answer(message))
    return component
  }

  /**
   * A component that has ended, once more in its place, under its name and ports; ready when this
   * resolves.
   * @param withinMs it must be ready by then
   */
  async restart(ended: ComponentProcess, withinMs = readyMsMax): Promise<ComponentProcess> {
    const at = this.components.indexOf(ended)
    if (at < 0 || ended.ended === undefined)
      throw new Error(`${ended.settings.name} is not a component that has ended`)
    const component = this.#begun(ended.settings)
    this.components[at] = component
    await component.ready(withinMs)
    await this.#write()
    return component
  }

  /** Components first, so that they can say goodbye; then the servers that were started here. */
  async stop(): Promise<void> {
    this.#pool?.close()
    await Promise.all(this.managers.map((manager) => manager.stop()))
    const units = [...this.units, ...this.queryUnits]
    await Promise.all(units.map((unit) => unit.stop()))
    await Promise.all(this.components.map((component) => component.stop()))
    await Promise.all([...this.servers.values()].map((server) => server.stop()))
  }

  /** Whoever reads the file finds all of it or nothing new. One writes after the other. */
  #write(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const file = join(this.#dataDirectory, 'cluster.json')
      await writeFile(
        `${file}.new`,
        `${JSON.stringify({ urls: this.urls, spaces: this.#plan.spaces, processes: this.processes }, null, 2)}\n`,
      )
      await rename(`${file}.new`, file)
    })
    return this.#writing
  }
}

/** The folder of the keys, with all that the cluster needs in it. */
async function keysFor(options: ProcessClusterOptions, dataDirectory: string): Promise<string> {
  const elsewhere = Object.keys(options.urls ?? {})
  if (elsewhere.length > 0)
    throw new GridError(
      'configuration_invalid',
      `--secure closes the servers that it starts: ${elsewhere.map((name) => `${name.toUpperCase()}_URL`).join(' and ')} must not be set`,
    )
  const { folder } = await makeGridKeys(keysIn(dataDirectory), { spaces: namedSpacesOf(options) })
  return folder
}

/** The first one, where that is free. */
const freePortFrom = async (first: number): Promise<number> =>
  first <= 65_535 && (await isPortFree(first)) ? first : await findFreePort()

function urlOf(servers: ReadonlyMap<ServerName, LocalServer>, name: ServerName): string {
  const server = servers.get(name)
  if (!server) throw new Error(`${name} was not started`)
  return server.url
}
