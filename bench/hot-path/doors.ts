import type { BenchServers } from '../processes/bench-servers.ts'
import { RunningSubject } from '../processes/running-subject.ts'
import { natsUrl, newSpaceName } from './bench-unit.ts'
import type { Timing } from './measure.ts'

/** A unit in one process, its callers in another: what HTTP and NATS cost on the way. */
export interface DoorTask {
  readonly name: string
  readonly door: 'http' | 'nats'
  readonly operation: 'query' | 'command'
}

export const doorTasks: readonly DoorTask[] = [
  { name: 'query over HTTP', door: 'http', operation: 'query' },
  { name: 'command over HTTP', door: 'http', operation: 'command' },
  { name: 'query over NATS', door: 'nats', operation: 'query' },
  { name: 'command over NATS', door: 'nats', operation: 'command' },
]

/** A unit with its doors open, and one process of callers at each. */
export class OpenDoors {
  readonly #unit: RunningSubject
  readonly #callers: Readonly<Record<DoorTask['door'], RunningSubject>>

  static async open(servers: BenchServers, entries: number): Promise<OpenDoors> {
    const url = await natsUrl(servers)
    const space = newSpaceName()
    const start = (name: string, options: object) =>
      RunningSubject.start(name, new URL(`../subjects/${name}.ts`, import.meta.url), {
        natsUrl: url,
        space,
        entries,
        ...options,
      })
    const unit = await start('processing-unit', { number: 0, of: 1, doors: true })
    const port = await unit.request<number>('port')
    return new OpenDoors(unit, {
      http: await start('http-client', { port }),
      nats: await start('nats-client', {}),
    })
  }

  private constructor(
    unit: RunningSubject,
    callers: Readonly<Record<DoorTask['door'], RunningSubject>>,
  ) {
    this.#unit = unit
    this.#callers = callers
  }

  measure({ door, operation }: DoorTask, concurrency: number, timeMs: number): Promise<Timing> {
    return this.#callers[door].request('measure', operation, concurrency, timeMs)
  }

  async close(): Promise<void> {
    for (const caller of Object.values(this.#callers)) await caller.close()
    await this.#unit.close()
  }
}
