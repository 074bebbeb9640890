import { DataPump, type PumpOptions } from '@spacegrid/data-pump/data-pump'
import { DataReader } from '@spacegrid/data-reader/data-reader'
import { DataWriter, type WriterOptions } from '@spacegrid/data-writer/data-writer'
import { InProcessMessaging } from '@spacegrid/grid/adapters/embedded/in-process-messaging'
import { SeededRandom } from '@spacegrid/grid/adapters/simulated/seeded-random'
import { SimulatedLog } from '@spacegrid/grid/adapters/simulated/simulated-log'
import { SimulatedStore } from '@spacegrid/grid/adapters/simulated/simulated-store'
import { SimulatedStream } from '@spacegrid/grid/adapters/simulated/simulated-stream'
import type { ComponentEvent } from '@spacegrid/grid/component/component'
import { type QueuedWindow, WindowAssembler } from '@spacegrid/grid/component/window-assembler'
import type { Clock } from '@spacegrid/grid/ports/clock'
import type { LogRecord } from '@spacegrid/grid/ports/log'
import type { Store, StoredChange } from '@spacegrid/grid/ports/store'
import { decodeFrame, decodeTransactions } from '@spacegrid/grid/records/frame-codec'
import { Melder } from '@spacegrid/grid/space/meld'
import { SpaceState } from '@spacegrid/grid/space/space-state'
import { ProcessingUnit, type ProcessingUnitOptions } from '@spacegrid/grid/unit/processing-unit'
import { FaultyStore, type StoreFaults } from './faulty-store.ts'
import { testSpace } from './test-space.ts'

/** Something that runs in the world and can die. */
export interface Process<T> {
  readonly component: T
  /** Its connections: the log first. */
  readonly logs: readonly SimulatedLog[]
  /** As kill -9: whatever is on its way may or may not arrive, and no answer is heard. */
  crash(): void
  stop(): Promise<void>
}

interface Running {
  readonly logs: readonly SimulatedLog[]
  readonly stores: readonly FaultyStore[]
}

/**
 * A grid in one test, on simulated servers that outlive its processes: each process has connections of its own, which end with it. Keeps every record
 * that the log ever held, so that any stored state can be compared with what melding gives.
 */
export class World {
  readonly clock: Clock
  readonly random: SeededRandom
  readonly log: SimulatedStream
  readonly changes: SimulatedStream
  readonly store = new SimulatedStore()
  readonly image = new SimulatedStore({ scan: 'fuzzy', chunkEntries: 50 })
  readonly messaging: InProcessMessaging
  readonly storeFaults: StoreFaults = { delayMsMax: 0, failure: 0 }
  readonly imageFaults: StoreFaults = { delayMsMax: 0, failure: 0 }
  /** Probability that an append's outcome stays unknown to whoever asked; half of those are stored. */
  appendFailure = 0
  latencyMsMax = 0
  windowRecordBytesMax = 1024 * 1024
  readonly events: string[] = []
  readonly #records: LogRecord[] = []
  readonly #windows: QueuedWindow[] = []
  readonly #running = new Set<Process<unknown>>()
  #started = 0

  constructor(clock: Clock, seed: number) {
    this.clock = clock
    this.random = new SeededRandom(seed)
    this.log = new SimulatedStream(clock, { identity: 'log' })
    this.changes = new SimulatedStream(clock, { identity: 'changes' })
    this.messaging = new InProcessMessaging(clock)
    this.log.watch(() => {
      for (let at = this.#records.length + 1; at <= this.log.last; at++)
        this.#records.push(this.log.read(at) as LogRecord)
    })
    this.#watchWindows()
  }

  unit(options: ProcessingUnitOptions = {}): Process<ProcessingUnit> {
    const name = this.#name('unit')
    const log = this.#connect(this.log)
    const { messaging, clock, random } = this
    const unit = new ProcessingUnit(name, testSpace, { log, messaging, clock, random }, options)
    return this.#run(unit, { logs: [log], stores: [] })
  }

  pump(options: PumpOptions & { readonly withImage?: boolean } = {}): Process<DataPump> {
    const { withImage = true, ...rest } = options
    const log = this.#connect(this.log)
    const changes = this.#connect(this.changes)
    const image = this.#faulty(this.image, this.imageFaults)
    const { messaging, clock, random } = this
    const ports = { log, changes, messaging, clock, random, ...(withImage ? { image } : {}) }
    const pump = new DataPump(testSpace.name, ports, { report: this.#report('pump'), ...rest })
    return this.#run(pump, { logs: [log, changes], stores: [image] })
  }

  writer(options: WriterOptions = {}): Process<DataWriter> {
    const log = this.#connect(this.log)
    const changes = this.#connect(this.changes)
    const store = this.#faulty(this.store, this.storeFaults)
    const { messaging, clock } = this
    const ports = { log, changes, store, messaging, clock }
    const writer = new DataWriter(testSpace.name, ports, {
      report: this.#report('writer'),
      ...options,
    })
    return this.#run(writer, { logs: [log, changes], stores: [store] })
  }

  reader(
    options: { readonly withImage?: boolean; readonly auditIntervalMs?: number } = {},
  ): Process<DataReader> {
    const { withImage = true, ...rest } = options
    const log = this.#connect(this.log)
    const changes = this.#connect(this.changes)
    const store = this.#faulty(this.store, this.storeFaults)
    const image = this.#faulty(this.image, this.imageFaults)
    const { messaging, clock, random } = this
    const ports = { log, changes, store, messaging, clock, random }
    const reader = new DataReader(
      testSpace.name,
      { ...ports, ...(withImage ? { image } : {}) },
      { report: this.#report('reader'), ...rest },
    )
    return this.#run(reader, { logs: [log, changes], stores: [store, image] })
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((process) => process.stop()))
  }

  /** What melding gives at a position: computed anew from the whole log. */
  stateAt(position: number): SpaceState {
    const state = new SpaceState()
    const melder = new Melder(state, decodeTransactions)
    for (const record of this.#records.slice(0, position))
      melder.meld(decodeFrame(record.data), record.position, record.time)
    return state
  }

  /** Every whole window that was ever published, in the order of the queue. */
  get windows(): readonly QueuedWindow[] {
    return this.#windows
  }

  /** What melding changed, position by position: `[position - 1]`. */
  changesByPosition(): StoredChange[][] {
    const state = new SpaceState()
    let changes: StoredChange[] = []
    const melder = new Melder(state, decodeTransactions, {
      changed: ({ cache, key, value, version }) => {
        const { name } = state.layout.cache(cache)
        changes.push({ cache: name, key, value, version, position: state.position })
      },
    })
    return this.#records.map(({ data, position, time }) => {
      changes = []
      melder.meld(decodeFrame(data), position, time)
      return changes
    })
  }

  #watchWindows(): void {
    let assembler = new WindowAssembler()
    let { identity } = this.changes
    let next = 1
    this.changes.watch(() => {
      if (this.changes.identity !== identity) {
        identity = this.changes.identity
        assembler = new WindowAssembler()
        next = 1
      }
      for (; next <= this.changes.last; next++) {
        const record = this.changes.read(next)
        const window = record && assembler.add(next, record.data)
        if (window) this.#windows.push(window)
      }
    })
  }

  #connect(stream: SimulatedStream): SimulatedLog {
    const log = new SimulatedLog(this.clock, stream, {
      // Small records, so that windows come in parts.
      ...(stream === this.changes ? { recordBytesMax: this.windowRecordBytesMax } : {}),
      latencyMs: () => this.random.below(this.latencyMsMax + 1),
      timeoutMs: 200,
    })
    log.fate = () => {
      if (!this.random.chance(this.appendFailure)) return {}
      const delayMs = this.random.below(300)
      return this.random.chance(0.5)
        ? { copies: 0 }
        : { copies: 1 + this.random.below(2), answered: false, delayMs }
    }
    return log
  }

  #faulty(store: Store, faults: StoreFaults): FaultyStore {
    return new FaultyStore(store, this.clock, this.random, faults)
  }

  #run<T extends { start(): void; stop(): Promise<void> }>(
    component: T,
    { logs, stores }: Running,
  ): Process<T> {
    const stop = async () => {
      this.#running.delete(process)
      await component.stop()
    }
    const crash = () => {
      for (const log of logs) log.cut()
      for (const store of stores) store.cut()
      this.#running.delete(process)
      void component.stop()
    }
    const process: Process<T> = { component, logs, crash, stop }
    this.#running.add(process)
    component.start()
    return process
  }

  #name(kind: string): string {
    this.#started++
    return `${kind}-${this.#started}`
  }

  #report(kind: string): (event: ComponentEvent) => void {
    const name = this.#name(kind)
    return ({ level, message, error }) => {
      this.events.push(`${Math.round(this.clock.monotonic())} ${name} ${level}: ${message}`)
      if (process.env.DEBUG) console.log(this.events.at(-1), level === 'error' ? error : '')
    }
  }
}
