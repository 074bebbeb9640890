import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { GridError } from '../../core/errors.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Log, LogBounds } from '../../engine/ports/log.ts'
import type { LogPlace } from '../../engine/ports/log-place.ts'
import type { EmbeddedEnvironment } from './embedded-environment.ts'
import { EmbeddedLog } from './embedded-log.ts'

/**
 * The place of a log that is an LMDB file. One that is replaced is not removed but renamed: it
 * takes room only, and may still tell something.
 */
export class EmbeddedPlace implements LogPlace {
  readonly #environment: EmbeddedEnvironment
  readonly #name: string
  readonly #clock: Clock
  #log: EmbeddedLog | undefined

  constructor(environment: EmbeddedEnvironment, name: string, clock: Clock) {
    this.#environment = environment
    this.#name = name
    this.#clock = clock
  }

  async look(): Promise<LogBounds | undefined> {
    if (!existsSync(this.#file)) return undefined
    const log = await this.open()
    try {
      return await log.bounds()
    } finally {
      await log.close()
    }
  }

  async open(): Promise<Log> {
    await this.#log?.close()
    this.#log = new EmbeddedLog(this.#environment, this.#name, this.#clock)
    return this.#log
  }

  async replace(found: LogBounds | undefined, after: number): Promise<LogBounds> {
    await this.close()
    const present = await this.look()
    if (present?.identity !== found?.identity)
      throw new GridError('fenced', `The log ${this.#name} has changed since it was looked at`)
    if (existsSync(this.#file)) renameSync(this.#file, `${this.#file}.replaced`)
    rmSync(`${this.#file}-lock`, { force: true })
    const options = { firstPosition: after + 1 }
    const log = new EmbeddedLog(this.#environment, this.#name, this.#clock, options)
    this.#log = log
    return await log.bounds()
  }

  async close(): Promise<void> {
    await this.#log?.close()
    this.#log = undefined
  }

  get #file(): string {
    return join(this.#environment.directory, `${this.#name}.mdb`)
  }
}
