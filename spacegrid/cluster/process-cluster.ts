import { rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { makeFolder } from '@spacegrid/grid/drivers/system/make-folder'
import { spareRole, unitRoles } from '@spacegrid/grid/engine/placement/member'
import { logNamesOfAll, type NamedSpace, spacesText } from '@spacegrid/grid/program/named-spaces'
import { roomSpaceName } from '@spacegrid/waiting-room/space'
import { becomesFree, findFreePort, isPortFree } from '../servers/free-port.ts'
import type { LocalServer } from '../servers/local-server.ts'
import type { ServerName } from '../servers/server-name.ts'
import { knownServers, type ServerPorts, startServers } from '../servers/start-servers.ts'
import { ComponentProcess, type ComponentSettings } from './component-process.ts'
import { UnitPool } from './unit-pool.ts'

/** What the units of a cluster serve. */
export interface ClusterApplication {
  /** Absolute, each a module that exports spaces. */
  readonly files: readonly string[]
  /** Names of all spaces that the files hold. */
  readonly spaces: readonly string[]
  /** Of those that have several, by their names. */
  readonly partitions?: Readonly<Record<string, number>>
}

export interface ProcessClusterOptions {
  /** Units that take commands. */
  readonly units: number
  /** Units that only answer queries, on a port of their own. Default 0. */
  readonly queryUnits?: number
  /** Waiting rooms for the lines that `WAITING_ROOM` names, on a port of their own. Default 0. */
  readonly waitingRooms?: number
  readonly application: ClusterApplication
  readonly dataDirectory: string
  /** Public port, shared by all units that take commands. */
  readonly port: number
  /** Servers that run elsewhere; the others are started here. */
  readonly urls?: Partial<Record<ServerName, string>>
  /** Of servers that are started here for the first time. Default `customary`. */
  readonly serverPorts?: ServerPorts
  readonly say?: (line: string) => void
  /**
   * Gives up the start: what has been started by then is stopped, and the start fails with the
   * signal's reason.
   */
  readonly signal?: AbortSignal
  /** Data pumps, writers and readers of each kind: one works, the others stand by. Default 1. */
  readonly copies?: number
  /**
   * A deployment manager adds and removes units: as many as `units` at the start, and at least
   * that many, unless the environment says otherwise. Default false.
   */
  readonly elastic?: boolean
  /** Deployment managers of an elastic cluster: one works. Default `copies`. */
  readonly managers?: number
  /** Units of an elastic cluster that stand by warm, beside those that serve. Default 0. */
  readonly spares?: number
  /** Passed on to every component. */
  readonly environment?: Readonly<Record<string, string>>
  /** A console beside the grid, on a port of its own. Default false. */
  readonly console?: boolean
  /** For one component only, by its name; this goes before all else. */
  readonly environmentOf?: (name: string) => Readonly<Record<string, string>>
}

/** One row of the table, and of `cluster.json`. */
export interface ProcessRow {
  readonly role: string
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly adminPort: number
}

/** Where a cluster is; `queries`, `waitingRoom` and `console`: where there are any. */
export type ClusterUrls = Readonly<Record<ServerName | 'http', string>> & {
  readonly queries?: string
  readonly waitingRoom?: string
  readonly console?: string
}

/** What names the servers otherwise. */
const urlFiles = ['NATS_URL_FILE', 'MONGODB_URL_FILE', 'REDIS_URL_FILE']

const readyMsMax = 60_000
const managerRole = 'deployment-manager'
const portFreeMsMax = 10_000
/** Where people look for the console first. */
const consolePortFirst = 8090

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

  private constructor(
    urls: ClusterUrls,
    components: ComponentProcess[],
    plan: ComponentPlan,
    dataDirectory: string,
    servers: ReadonlyMap<ServerName, LocalServer>,
    serverRows: readonly ProcessRow[],
    say: (line: string) => void,
  ) {
    this.urls = urls
    this.components = components
    this.#plan = plan
    this.#dataDirectory = dataDirectory
    this.servers = servers
    this.#serverRows = serverRows
    this.#pool = plan.isElastic ? this.#poolOf(say) : undefined
  }

  /**
   * @throws Error when the port is taken, a server cannot be had or a component does not become
   * ready
   */
  static async start(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const { port, urls = {}, serverPorts: ports, say, signal } = options
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
    const found = await startServers({
      dataDirectory,
      which,
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
    const plan = new ComponentPlan(options, dataDirectory, all, own)
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
    const rows = [...found].map(([name, server]) => ({
      role: 'server',
      name,
      pid: server.pid,
      port: server.port,
      adminPort: 0,
    }))
    const told = say ?? (() => undefined)
    const cluster = new ProcessCluster(all, components, plan, dataDirectory, started, rows, told)
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

/** The first one, where that is free. */
const freePortFrom = async (first: number): Promise<number> =>
  first <= 65_535 && (await isPortFree(first)) ? first : await findFreePort()

function urlOf(servers: ReadonlyMap<ServerName, LocalServer>, name: ServerName): string {
  const server = servers.get(name)
  if (!server) throw new Error(`${name} was not started`)
  return server.url
}

/** 0: there is nobody to use it. */
interface OwnPorts {
  /** Shared by all query units. */
  readonly queryPort: number
  /** Shared by all waiting rooms. */
  readonly roomPort: number
  readonly consolePort: number
}

/** Makes the settings of components: what all of them share is worked out once. */
class ComponentPlan {
  readonly #options: ProcessClusterOptions
  readonly #dataDirectory: string
  readonly #environment: Readonly<Record<string, string>>
  readonly #ports: OwnPorts

  constructor(
    options: ProcessClusterOptions,
    dataDirectory: string,
    urls: Readonly<Record<ServerName, string>> & Pick<ClusterUrls, 'waitingRoom'>,
    ports: OwnPorts,
  ) {
    this.#options = options
    this.#ports = ports
    this.#dataDirectory = dataDirectory
    this.#environment = {
      ...options.environment,
      // Where this process found its own servers named in files, they are named by their URLs.
      ...Object.fromEntries(urlFiles.map((name) => [name, ''])),
      NATS_URL: urls.nats,
      MONGODB_URL: urls.mongodb,
      REDIS_URL: urls.redis,
      DATA_DIR: dataDirectory,
      SPACES: spacesText(this.#named),
      HOST: '127.0.0.1',
      // There is no gateway in front of both.
      ...(urls.waitingRoom === undefined ? {} : { WAITING_ROOM_URL: urls.waitingRoom }),
    }
  }

  /** By the names of their logs. */
  get spaces(): readonly LogName[] {
    return logNamesOfAll(this.#named)
  }

  get #named(): NamedSpace[] {
    const { application, waitingRooms = 0 } = this.#options
    const { spaces, partitions = {} } = application
    const named = spaces.map((name) => ({ name, partitions: partitions[name] ?? 1 }))
    return waitingRooms === 0 ? named : [...named, { name: roomSpaceName, partitions: 1 }]
  }

  get isElastic(): boolean {
    return this.#options.elastic === true
  }

  unitName(number: number): string {
    const { spaces } = this.#options.application
    const [only = 'unit'] = spaces.length === 1 ? spaces : []
    return `${only}-${number}`
  }

  get spares(): number {
    return this.#options.spares ?? 0
  }

  unit(number: number, role: 'unit' | 'spare' = 'unit'): Promise<ComponentSettings> {
    const { application, port } = this.#options
    const words = ['unit', ...application.files]
    const called = role === 'spare' ? spareRole : 'processing-unit'
    return this.#settings(called, this.unitName(number), words, port, { ROLE: role })
  }

  managers(): Promise<ComponentSettings[]> {
    const { units, copies = 1, managers = copies, environment: given } = this.#options
    // Whoever asks for so many units at the start does not want fewer later.
    const isSaid = given?.UNITS_MIN ?? process.env.UNITS_MIN?.trim()
    const least = isSaid ? {} : { UNITS_MIN: String(units) }
    const environment = { SCALING_DRIVER: 'cluster', ...least }
    return Promise.all(
      upTo(managers).map((number) =>
        this.#settings(managerRole, nameOf(managerRole, number), [managerRole], 0, environment),
      ),
    )
  }

  queryUnit(number: number): Promise<ComponentSettings> {
    const { files } = this.#options.application
    const [role, port] = [unitRoles.queries, this.#ports.queryPort]
    return this.#settings(role, `${role}-${number}`, ['unit', ...files], port, { ROLE: 'query' })
  }

  waitingRoom(number: number): Promise<ComponentSettings> {
    const role = 'waiting-room'
    return this.#settings(role, `${role}-${number}`, [role], this.#ports.roomPort)
  }

  console(): Promise<ComponentSettings> {
    const { consolePort: port } = this.#ports
    const own = { CONSOLE_PORT: String(port), GRID_URL: `http://127.0.0.1:${this.#options.port}` }
    return this.#settings('console', 'console', ['console', '--driven'], port, own)
  }

  async all(): Promise<ComponentSettings[]> {
    const roles = ['data-reader', 'data-writer', 'data-pump']
    const { units, queryUnits = 0, waitingRooms = 0, copies = 1 } = this.#options
    return await Promise.all([
      ...roles.flatMap((role) =>
        upTo(copies).map((number) => this.#settings(role, nameOf(role, number), [role], 0)),
      ),
      ...upTo(units).map((number) => this.unit(number)),
      ...upTo(queryUnits).map((number) => this.queryUnit(number)),
      ...upTo(waitingRooms).map((number) => this.waitingRoom(number)),
      ...(this.#ports.consolePort === 0 ? [] : [this.console()]),
    ])
  }

  async #settings(
    role: string,
    name: string,
    command: readonly string[],
    port: number,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ComponentSettings> {
    return {
      role,
      name,
      command,
      port,
      adminPort: await findFreePort(),
      environment: { ...this.#environment, ...environment, ...this.#options.environmentOf?.(name) },
      logFile: join(this.#dataDirectory, 'logs', `${name}.log`),
    }
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1)

/** The first of its kind has the name of its role. */
const nameOf = (role: string, number: number): string => (number === 1 ? role : `${role}-${number}`)
