import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterApplication } from 'spacegrid/cluster/cluster-options'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { findFreePort } from 'spacegrid/servers/free-port'
import type { LocalServer } from 'spacegrid/servers/local-server'
import type { ServerName } from 'spacegrid/servers/server-name'
import { type CrowdFindings, passedOver } from './crowd-audit.ts'
import { auditGrid, type GridAuditOptions } from './grid-audit.ts'
import { PatientClient } from './patient-client.ts'
import { repositoryApplication } from './repository-application.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { startMongod, startNats, startRedis } from './test-servers.ts'
import { addLedger, type CrowdOptions, emptyLedger, TicketCrowd } from './ticket-crowd.ts'

export interface FaultGridOptions {
  /** Default: ticketing, for which the crowds and the audit are. */
  readonly application?: ClusterApplication
  /** Default 2. */
  readonly units?: number
  /** Units that take no commands. Default 0. */
  readonly queryUnits?: number
  /** Pumps, writers and readers of each. Default 1. */
  readonly copies?: number
  /**
   * Servers that the test starts by itself: a cluster of them, or one behind a proxy. The others
   * are started here.
   */
  readonly urls?: Partial<Record<ServerName, string>>
  readonly environment?: Readonly<Record<string, string>>
  readonly environmentOf?: (name: string) => Readonly<Record<string, string>>
  /** Data and logs; a temporary folder by default. */
  readonly folder?: string
}

export interface FaultCrowdOptions extends Partial<CrowdOptions> {
  readonly seed: number
  /** Of one unit; by default all of them serve the crowd. */
  readonly url?: string
}

const starters = { nats: startNats, mongodb: startMongod, redis: startRedis } as const

/** A unit that has not begun to answer by then may be paused: the crowd asks again. */
const answerMs = 3000
const stateMsMax = 1000
/** Longer than any test: the audit must not find holds that have expired. */
const holdMs = 6 * 3_600_000

/**
 * A grid of real processes with servers of its own, to be harmed; all of it ends with this process,
 * however that ends.
 */
export class FaultGrid implements AsyncDisposable {
  readonly cluster: ProcessCluster
  readonly servers: ReadonlyMap<ServerName, LocalServer>
  readonly folder: string
  readonly #crowds: TicketCrowd[] = []

  private constructor(
    cluster: ProcessCluster,
    servers: ReadonlyMap<ServerName, LocalServer>,
    folder: string,
  ) {
    this.cluster = cluster
    this.servers = servers
    this.folder = folder
  }

  static async start(options: FaultGridOptions = {}): Promise<FaultGrid> {
    const {
      units = 2,
      queryUnits = 0,
      copies = 1,
      urls = {},
      environment = {},
      environmentOf,
    } = options
    const folder = options.folder ?? (await temporaryFolder('grid'))
    const servers = new Map<ServerName, LocalServer>()
    const missing = (['nats', 'mongodb', 'redis'] as const).filter((name) => !urls[name])
    await Promise.all(
      missing.map(async (name) => {
        const own = join(folder, name)
        await mkdir(own, { recursive: true })
        servers.set(name, await starters[name]({ folder: own }))
      }),
    )
    try {
      const started = Object.fromEntries([...servers].map(([name, { url }]) => [name, url]))
      const cluster = await ProcessCluster.start({
        units,
        queryUnits,
        copies,
        application: options.application ?? repositoryApplication('ticketing'),
        dataDirectory: folder,
        port: await findFreePort(),
        urls: { ...started, ...urls },
        environment: { HOLD_MS: String(holdMs), ...environment },
        ...(environmentOf ? { environmentOf } : {}),
      })
      return new FaultGrid(cluster, servers, folder)
    } catch (error) {
      for (const server of servers.values()) await server.stop()
      throw error
    }
  }

  server(name: ServerName): LocalServer {
    const server = this.servers.get(name)
    if (!server) throw new Error(`${name} was not started here`)
    return server
  }

  /** By its name, such as `data-pump-2`. */
  component(name: string): ComponentProcess {
    const found = this.cluster.components.find(({ settings }) => settings.name === name)
    if (!found) throw new Error(`there is no component ${name}`)
    return found
  }

  /** By default of all units together. */
  client(url = this.cluster.urls.http): PatientClient {
    return new PatientClient(url, { answerMs })
  }

  /**
   * A crowd that has begun to buy. Several, one after the other or at once, do not get in each
   * other's way.
   */
  async crowd({ url, ...options }: FaultCrowdOptions): Promise<TicketCrowd> {
    const crowd = new TicketCrowd(this.client(url), {
      shoppers: 12,
      thinkMsMax: 60,
      giveUpMs: 60_000,
      prefix: `crowd${this.#crowds.length + 1}`,
      ...options,
    })
    this.#crowds.push(crowd)
    await crowd.start()
    return crowd
  }

  /**
   * Lets every crowd finish; then everything they have ever been told is compared with what is
   * stored.
   */
  async audit(options: GridAuditOptions = {}): Promise<CrowdFindings> {
    const ledger = emptyLedger()
    for (const crowd of this.#crowds) addLedger(ledger, await crowd.finish())
    const inDoubt = passedOver(ledger).size
    process.stderr.write(`Audit: ${inDoubt} of ${ledger.customers} customers are passed over\n`)
    const unitPorts = this.cluster.units.map(({ settings }) => settings.adminPort)
    return await auditGrid({ urls: this.cluster.urls, unitPorts }, ledger, options)
  }

  /** Nobody needs it any more, so nothing has to be brought to its end first. */
  async stop(): Promise<void> {
    // What they say only helps whoever reads it: it must not keep them from being stopped.
    await this.#noteStates().catch((error) => process.stderr.write(`${error}\n`))
    for (const component of this.cluster.components) component.kill('SIGKILL')
    await this.cluster.stop()
    await Promise.all([...this.servers.values()].map((server) => server.kill()))
  }

  /** Beside the logs: what every component says of itself at the end. */
  async #noteStates(): Promise<void> {
    const states = await Promise.all(
      this.cluster.components.map(async ({ ended, settings: { name, adminPort } }) => {
        const said =
          ended ??
          (await Promise.all([askOf(adminPort, 'health/ready'), askOf(adminPort, 'status')]))
        return `${name} ${said}`
      }),
    )
    await writeFile(join(this.folder, 'logs', 'states'), states.join('\n'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

async function askOf(adminPort: number, path: string): Promise<string> {
  try {
    const url = `http://127.0.0.1:${adminPort}/${path}`
    return await (await fetch(url, { signal: AbortSignal.timeout(stateMsMax) })).text()
  } catch (error) {
    return String(error)
  }
}
