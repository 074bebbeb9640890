import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { findFreePort } from 'spacegrid/servers/free-port'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'
import { waitUntil } from 'spacegrid/servers/wait-until'

const configuration = fileURLToPath(new URL('../../gateway/haproxy.cfg', import.meta.url))

export type GatewayEnvironment = Readonly<Record<`GATEWAY_${string}`, string>>

/** Whether HAProxy is installed. A person may do without these tests, CI may not. */
export function isHaproxyInstalled(host: NodeJS.ProcessEnv): boolean {
  try {
    execFileSync('haproxy', ['-v'], { stdio: 'ignore' })
    return true
  } catch (error) {
    if (host.CI === 'true') throw new Error('The tests need haproxy', { cause: error })
    process.stderr.write('!!! SKIPPING the tests of the gateway: haproxy is not installed\n')
    return false
  }
}

/** What HAProxy says about the configuration: empty when it finds nothing to say. */
export function checkConfiguration({ PATH }: NodeJS.ProcessEnv): string {
  const { stdout, stderr } = spawnSync('haproxy', ['-c', '-f', configuration], {
    env: { PATH },
    encoding: 'utf8',
  })
  return stdout + stderr
}

/** The shipped gateway, run for real on ports of its own. */
export class RunningGateway {
  readonly url: string
  readonly port: number
  readonly adminUrl: string
  readonly process: ChildProcess

  private constructor(port: number, adminPort: number, process: ChildProcess) {
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.adminUrl = `http://127.0.0.1:${adminPort}`
    this.process = process
  }

  /**
   * Of the host's environment only PATH is passed on: its own gateway settings are not the test's.
   */
  static async start(
    environment: GatewayEnvironment,
    { PATH }: NodeJS.ProcessEnv,
  ): Promise<RunningGateway> {
    const port = await findFreePort()
    const adminPort = await findFreePort()
    const child = spawn('haproxy', ['-db', '-f', configuration], {
      env: {
        PATH,
        GATEWAY_BIND: `127.0.0.1:${port}`,
        GATEWAY_ADMIN_BIND: `127.0.0.1:${adminPort}`,
        GATEWAY_CONNECTIONS_MAX: '400',
        GATEWAY_UNITS_MAX: '4',
        ...environment,
      },
      stdio: 'ignore',
    })
    if (child.pid !== undefined) reapWithThisProcess(child.pid)
    const gateway = new RunningGateway(port, adminPort, child)
    await waitUntil(async () => (await fetch(`${gateway.adminUrl}/health/live`)).ok, {
      timeoutMs: 10_000,
      what: 'the gateway to listen',
    })
    return gateway
  }

  /**
   * Waits until so many units take commands, queries and event streams, which are asked for apart,
   * each because it has said that it is ready. HAProxy calls a unit up as soon as its name
   * resolves, before it has asked. `queryUnits`: of those that take no commands.
   */
  async waitForUnits(count: number, queryUnits = 0): Promise<void> {
    const inService = async () => {
      const metrics = await this.metrics()
      return ['units', 'queries', 'streams'].every((proxy) => {
        const up = unitsIn(proxy, 'status', 'UP', metrics)
        const checked = unitsIn(proxy, 'check_status', 'L7OK', metrics)
        const ofQueries = [...up].filter((name) => name.startsWith('query-')).length
        const isRight = ofQueries === (proxy === 'units' ? 0 : queryUnits)
        return isRight && up.size - ofQueries === count && up.isSubsetOf(checked)
      })
    }
    const what = `${count} units and ${queryUnits} query units in service`
    await waitUntil(inService, { timeoutMs: 60_000, what })
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.adminUrl}/metrics`)).text()
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    this.process.kill('SIGKILL')
    await once(this.process, 'exit')
  }
}

function unitsIn(proxy: string, metric: string, state: string, metrics: string): Set<string> {
  const line = `^haproxy_server_${metric}\\{proxy="${proxy}",server="([^"]+)",state="${state}"\\} 1$`
  return new Set([...metrics.matchAll(new RegExp(line, 'gm'))].map(([, unit]) => String(unit)))
}
