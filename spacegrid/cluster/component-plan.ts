import { join } from 'node:path'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { roomSpaceName } from '@spacegrid/grid/core/waiting-room'
import { spareRole, unitRoles } from '@spacegrid/grid/engine/placement/member'
import { logNamesOfAll, type NamedSpace, spacesText } from '@spacegrid/grid/program/named-spaces'
import { findFreePort } from '../servers/free-port.ts'
import type { ServerName } from '../servers/server-name.ts'
import type { ClosedComponents } from './closed-components.ts'
import type { ClusterUrls, ProcessClusterOptions } from './cluster-options.ts'
import type { ComponentSettings } from './component-process.ts'

/** What names the servers otherwise. */
const urlFiles = ['NATS_URL_FILE', 'MONGODB_URL_FILE', 'REDIS_URL_FILE']

export const managerRole = 'deployment-manager'

/** 0: there is nobody to use it. */
export interface OwnPorts {
  /** Shared by all query units. */
  readonly queryPort: number
  /** Shared by all waiting rooms. */
  readonly roomPort: number
  readonly consolePort: number
}

/**
 * The settings of each process of a cluster: what all of them share is worked out once. It starts
 * nothing.
 */
export class ComponentPlan {
  readonly #options: ProcessClusterOptions
  readonly #dataDirectory: string
  readonly #environment: Readonly<Record<string, string>>
  readonly #ports: OwnPorts
  readonly #closed: ClosedComponents | undefined

  /** @param closed of a cluster that is: what each component is given */
  constructor(
    options: ProcessClusterOptions,
    dataDirectory: string,
    urls: Readonly<Record<ServerName, string>> & Pick<ClusterUrls, 'waitingRoom'>,
    ports: OwnPorts,
    closed?: ClosedComponents,
  ) {
    this.#options = options
    this.#ports = ports
    this.#closed = closed
    this.#dataDirectory = dataDirectory
    this.#environment = {
      ...options.environment,
      // Where this process found its own servers named in files, they are named by their URLs.
      ...Object.fromEntries(urlFiles.map((name) => [name, ''])),
      NATS_URL: urls.nats,
      MONGODB_URL: urls.mongodb,
      REDIS_URL: urls.redis,
      DATA_DIR: dataDirectory,
      SPACES: spacesText(namedSpacesOf(options)),
      HOST: '127.0.0.1',
      // There is no gateway in front of both.
      ...(urls.waitingRoom === undefined ? {} : { WAITING_ROOM_URL: urls.waitingRoom }),
    }
  }

  /** By the names of their logs. */
  get spaces(): readonly LogName[] {
    return logNamesOfAll(namedSpacesOf(this.#options))
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
    // What one unit has compiled the next ones need not, which halves what a start takes. To keep
    // it takes a second of the first start: only worth it where units come in a hurry.
    const compiled = process.env.NODE_COMPILE_CACHE ?? join(this.#dataDirectory, 'compiled')
    const kept = this.isElastic ? { NODE_COMPILE_CACHE: compiled } : {}
    return this.#settings(called, this.unitName(number), words, port, { ROLE: role, ...kept })
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
      environment: {
        ...this.#environment,
        ...this.#closed?.environmentOf(role),
        ...environment,
        ...this.#options.environmentOf?.(name),
      },
      logFile: join(this.#dataDirectory, 'logs', `${name}.log`),
    }
  }
}

/** All that the servers hold for a cluster. */
export function namedSpacesOf({
  application: { spaces, partitions = {} },
  waitingRooms = 0,
}: ProcessClusterOptions): NamedSpace[] {
  const named = spaces.map((name) => ({ name, partitions: partitions[name] ?? 1 }))
  return waitingRooms === 0 ? named : [...named, { name: roomSpaceName, partitions: 1 }]
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1)

/** The first of its kind has the name of its role. */
const nameOf = (role: string, number: number): string => (number === 1 ? role : `${role}-${number}`)
