import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { ownProgram } from 'spacegrid/own-program'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'

const program = ownProgram(new URL('./stand-in-unit.ts', import.meta.url))

/** Where a unit answers. Units differ in their address, as containers do, and share the ports. */
export interface UnitPorts {
  readonly port: number
  readonly adminPort: number
}

/** Ports that are free on all the addresses. */
export async function freeUnitPorts(addresses: readonly string[]): Promise<UnitPorts> {
  const [port, adminPort] = [await sharedFreePort(addresses), await sharedFreePort(addresses)]
  return { port, adminPort }
}

async function sharedFreePort(addresses: readonly string[]): Promise<number> {
  for (let tries = 0; tries < 20; tries += 1) {
    const servers = []
    let port = 0
    try {
      for (const address of addresses) {
        const server = createServer().listen({ port, host: address, exclusive: true })
        servers.push(server)
        await once(server, 'listening')
        const bound = server.address()
        if (typeof bound === 'object' && bound !== null) port = bound.port
      }
      return port
    } catch {
      // Taken on one of the addresses: another number is tried.
    } finally {
      for (const server of servers) server.close()
    }
  }
  throw new Error(`No port is free on all of ${addresses}`)
}

/** One stand-in, in a process of its own so that it can be killed. */
export class StandInUnit {
  readonly #adminUrl: string
  readonly #process: ChildProcess

  private constructor(adminUrl: string, process: ChildProcess) {
    this.#adminUrl = adminUrl
    this.#process = process
  }

  static async start(name: string, address: string, ports: UnitPorts): Promise<StandInUnit> {
    const argv = [program, name, address, String(ports.port), String(ports.adminPort)]
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    if (child.pid !== undefined) reapWithThisProcess(child.pid)
    await once(child.stdout, 'data')
    return new StandInUnit(`http://${address}:${ports.adminPort}`, child)
  }

  async setReady(ready: boolean): Promise<void> {
    await fetch(`${this.#adminUrl}/${ready ? 'ready' : 'unready'}`, { method: 'POST' })
  }

  /** Requests that it is about to answer. */
  async open(): Promise<number> {
    return Number(await (await fetch(`${this.#adminUrl}/open`)).text())
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    this.#process.kill('SIGKILL')
    await once(this.#process, 'exit')
  }
}
