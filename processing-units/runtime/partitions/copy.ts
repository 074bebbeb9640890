import type { Space } from '@spacegrid/grid/core/definition'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { CopyState } from '@spacegrid/grid/engine/placement/member'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import { ProcessingUnit } from '../processing-unit.ts'
import type { ProcessingUnitOptions } from '../processing-unit-options.ts'
import type { UnitPorts } from '../unit-ports.ts'

/** What the unit of one partition works with. */
export interface CopyPorts extends UnitPorts {
  /** Called when the partition has been given up. */
  close(): Promise<void>
}

export type OpenCopy = (partition: number) => Promise<CopyPorts>

/** Pause before ports that could not be opened are tried again. */
const openAgainMs = 1000

export interface CopyParts {
  readonly name: string
  readonly space: Space
  readonly clock: Clock
  readonly open: OpenCopy
  readonly options: ProcessingUnitOptions
  readonly report: Report
}

/** One partition as this process keeps it, from when it begins to until it has let go of it. */
export class Copy {
  readonly partition: number
  readonly #parts: CopyParts
  readonly #stopping = new AbortController()
  readonly #begun: Promise<void>
  #ports: CopyPorts | undefined
  #unit: ProcessingUnit | undefined
  /** Monotonic ms since when it is about to be given up. */
  leavingSince: number | undefined

  constructor(partition: number, parts: CopyParts) {
    this.partition = partition
    this.#parts = parts
    this.#begun = this.#begin()
  }

  /** undefined: its log is not open yet. */
  get unit(): ProcessingUnit | undefined {
    return this.#unit
  }

  get state(): CopyState {
    if (!this.#unit?.readiness().ready) return 'joining'
    return this.leavingSince === undefined ? 'ready' : 'leaving'
  }

  /** Open requests are answered; nothing of it is left. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#begun
    await this.#unit?.stop()
    await this.#ports?.close()
  }

  async #begin(): Promise<void> {
    const { name, space, clock, open, options, report } = this.#parts
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        this.#ports = await open(this.partition)
        if (signal.aborted) return
        const settings = { ...options, partition: this.partition, report }
        this.#unit = new ProcessingUnit(name, space, this.#ports, settings)
        this.#unit.start()
        return
      } catch (error) {
        report({
          kind: 'failed',
          level: 'error',
          message: `its log cannot be opened: ${(error as Error).message}`,
          error: error as Error,
        })
        await sleep(clock, openAgainMs, signal)
      }
    }
  }
}
