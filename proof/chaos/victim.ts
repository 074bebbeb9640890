import { readFile } from 'node:fs/promises'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import type { LocalServer } from 'spacegrid/servers/local-server'
import type { FaultGrid } from '../support/fault-grid.ts'

/** One process of the grid, server or component, that can be killed, paused and started again. */
export interface Victim {
  readonly role: string
  readonly name: string
  /** Ends it as kill -9 does, and resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again, and resolves when it is ready. */
  restart(): Promise<void>
  pause(): Promise<void>
  /** Lets it go on, and resolves when it is ready again. */
  resume(): Promise<void>
}

/**
 * Of a machine that much else is done on a process gets a twentieth of a processor, and needs some
 * seconds of one to start. While somebody is away for long nobody else is harmed (`FaultPlan`).
 */
const readyMsMax = 180_000

export function victimsOf(grid: FaultGrid): Victim[] {
  return [
    ...grid.cluster.components.map(({ settings }) => new ComponentVictim(grid, settings.name)),
    ...[...grid.servers.values()].map((server) => new ServerVictim(server)),
  ]
}

/** Started again it is another process: it is found by its name. */
class ComponentVictim implements Victim {
  readonly role: string
  readonly name: string
  readonly #grid: FaultGrid

  constructor(grid: FaultGrid, name: string) {
    this.#grid = grid
    this.name = name
    this.role = this.#process.settings.role
  }

  get #process(): ComponentProcess {
    return this.#grid.component(this.name)
  }

  async kill(): Promise<void> {
    const process = this.#process
    if (process.ended !== undefined)
      throw new Error(
        `${this.name} has ended by itself (${process.ended}); see ${process.settings.logFile}`,
      )
    process.kill('SIGKILL')
    await process.gone
  }

  /**
   * As a supervisor does it: a program that finds no NATS for ten seconds ends, and is started
   * again.
   */
  async restart(): Promise<void> {
    const until = performance.now() + readyMsMax
    for (;;) {
      try {
        await this.#grid.cluster.restart(this.#process, readyMsMax)
        return
      } catch (error) {
        const foundNoNats = /\nNo NATS server answers at [^\n]*\n$/.test(await this.#log())
        if (!foundNoNats || performance.now() > until) throw error
      }
    }
  }

  async pause(): Promise<void> {
    this.#process.kill('SIGSTOP')
  }

  async resume(): Promise<void> {
    this.#process.kill('SIGCONT')
    await this.#process.ready(readyMsMax)
  }

  #log(): Promise<string> {
    return readFile(this.#process.settings.logFile, 'utf8')
  }
}

class ServerVictim implements Victim {
  readonly role: string
  readonly #server: LocalServer

  constructor(server: LocalServer) {
    this.#server = server
    this.role = server.name
  }

  get name(): string {
    return this.#server.name
  }

  async kill(): Promise<void> {
    await this.#server.kill()
  }

  async restart(): Promise<void> {
    await this.#server.restart()
  }

  async pause(): Promise<void> {
    await this.#server.pause()
  }

  async resume(): Promise<void> {
    await this.#server.resume()
    await this.#server.untilServing()
  }
}
