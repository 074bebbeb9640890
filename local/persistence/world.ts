import { DataPump, type PumpOptions } from '@spacegrid/data-pump/data-pump'
import { DataReader } from '@spacegrid/data-reader/data-reader'
import { DataWriter, type WriterOptions } from '@spacegrid/data-writer/data-writer'
import { InProcessMessaging } from '@spacegrid/grid/adapters/embedded/in-process-messaging'
import { SeededRandom } from '@spacegrid/grid/adapters/simulated/seeded-random'
import { SimulatedLog } from '@spacegrid/grid/adapters/simulated/simulated-log'
import { SimulatedStore } from '@spacegrid/grid/adapters/simulated/simulated-store'
import { SimulatedStream } from '@spacegrid/grid/adapters/simulated/simulated-stream'
import type { ComponentEvent } from '@spacegrid/grid/component/component'
import type { Clock } from '@spacegrid/grid/ports/clock'
import type { LogRecord } from '@spacegrid/grid/ports/log'
import type { Store, StoredEntry } from '@spacegrid/grid/ports/store'
import { decodeFrame, decodeTransactions } from '@spacegrid/grid/records/frame-codec'
import { decodeHeader } from '@spacegrid/grid/records/snapshot-codec'
import { Melder } from '@spacegrid/grid/space/meld'
import { SpaceState } from '@spacegrid/grid/space/space-state'
import { ProcessingUnit, type ProcessingUnitOptions } from '@spacegrid/grid/unit/processing-unit'
import { FaultyStore, type StoreFaults } from './faulty-store.ts'
import { testSpace } from './test-space.ts'

/** Something that runs in the world and can die. */
export interface Process<T> {
  readonly component: T
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
  readonly events: string[] = []
  readonly #records: LogRecord[] = []
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

  reader(options: { readonly withImage?: boolean } = {}): Process<DataReader> {
    const log = this.#connect(this.log)
    const changes = this.#connect(this.changes)
    const store = this.#faulty(this.store, this.storeFaults)
    const image = this.#faulty(this.image, this.imageFaults)
    const { messaging, clock, random } = this
    const ports = { log, changes, store, messaging, clock, random }
    const reader = new DataReader(
      testSpace.name,
      { ...ports, ...(options.withImage === false ? {} : { image }) },
      { report: this.#report('reader') },
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

  #connect(stream: SimulatedStream): SimulatedLog {
    const log = new SimulatedLog(this.clock, stream, {
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
    const process: Process<T> = { component, crash, stop }
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

export interface StoredState {
  readonly position: number
  readonly problems: readonly string[]
}

/** Compares a store, entry by entry, with what melding gives at its checkpoint. */
export async function compareStored(world: World, store: Store): Promise<StoredState> {
  const scan = await store.scan(testSpace.name)
  if (!scan) return { position: 0, problems: [] }
  const { position, digest, entries, replicated } = scan.start
  if (position < 0) return { position: 0, problems: [] }
  const expected = world.stateAt(position)
  const problems: string[] = []
  const check = (what: string, is: unknown, should: unknown) => {
    if (JSON.stringify(is) !== JSON.stringify(should))
      problems.push(
        `${what} at ${position} is ${JSON.stringify(is)}, not ${JSON.stringify(should)}`,
      )
  }
  check('the digest', digest, expected.digest.toString())
  check('the number of entries', entries, expected.entryCount)
  check('the replicated state', decodeHeader(replicated), expected.header())
  const left = new Map<string, StoredEntry>(
    entriesOf(expected).map((entry) => [`${entry.cache}/${entry.key}`, entry]),
  )
  for await (const chunk of scan.chunks())
    for (const entry of chunk) {
      const name = `${entry.cache}/${entry.key}`
      check(name, entry, left.get(name))
      left.delete(name)
    }
  for (const name of left.keys()) problems.push(`${name} is missing at ${position}`)
  return { position, problems }
}

function entriesOf(state: SpaceState): StoredEntry[] {
  return state.layout.caches.flatMap(({ name, number }) =>
    [...state.cache(number).entries.values()].map(({ key, value, version, position }) => ({
      cache: name,
      key,
      value,
      version,
      position,
    })),
  )
}
