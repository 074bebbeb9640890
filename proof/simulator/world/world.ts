import { type Frame, FrameKind } from '@spacegrid/grid/core/frame'
import { WindowAssembler } from '@spacegrid/grid/engine/changes/window-assembler'
import { decodeWindow } from '@spacegrid/grid/engine/wire/window-codec'
import { Host, HostClock } from '@spacegrid/grid/kit/host'
import { HostLog } from '@spacegrid/grid/kit/host-log'
import { Network } from '@spacegrid/grid/kit/network'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import type { UnitOptions } from '@spacegrid/runtime/unit-options'
import { compareStored, compareWindow } from '../check/copies.ts'
import { Reference } from '../check/reference.ts'
import { TimeCheck } from '../check/time-check.ts'
import type { Settings } from '../plan/settings.ts'
import { type AppendFaults, fateOf, noAppendFaults } from './append-faults.ts'
import { Coverage } from './coverage.ts'
import { HostStore, type StoreFaults } from './host-store.ts'
import { ObservedStore } from './observed-store.ts'
import { clockAhead, passes } from './passing-time.ts'
import { Trace } from './trace.ts'

/** What a part of a batch has beside its bytes. */
const frameHeaderBytesMax = 64

/** A component's process and its connections. */
export interface Connected {
  readonly host: Host
  readonly clock: HostClock
  readonly log: HostLog
  readonly changes: HostLog
  readonly store: HostStore
  readonly image: HostStore
  readonly random: SeededRandom
}

/**
 * The servers, which outlive all components, and the time. Whatever is stored in them is looked at
 * the moment it is stored. Everything that is random here comes from the seed, each connection with
 * its own sequence.
 */
export class World {
  readonly clock = new SimulatedClock()
  readonly trace: Trace
  readonly coverage = new Coverage()
  readonly settings: Settings
  readonly spaceName: string
  readonly log: SimulatedStream
  readonly changes: SimulatedStream
  readonly store: ObservedStore
  readonly image: ObservedStore
  readonly network: Network
  readonly appendFaults: AppendFaults = { ...noAppendFaults }
  readonly storeFaults: StoreFaults
  readonly imageFaults: StoreFaults
  readonly problems: string[] = []
  /** How far the log's clock is ahead. */
  logAheadMs = 0
  /** The change queue has been purged or deleted: gaps in it are nobody's fault. */
  queueDamaged = false
  /**
   * Somebody has written to the log or the change queue, or published on a subject, what the grid
   * itself never does.
   */
  strangersWrite = false
  /** Commands may be of any size: how many frames it takes is nobody's fault. */
  largeCommands = false
  /**
   * Whether the log has lost its last records: `losing` until everybody can have noticed. Then what
   * is stored may be of another history.
   */
  tail: 'whole' | 'losing' | 'lost' = 'whole'
  readonly time: TimeCheck
  reference = new Reference((problem) => this.fail('meld', problem))
  readonly seed: number
  #connections = 0
  #windowsTo = 0
  /** Where the log ended, and when: oldest first. */
  readonly #ends: { readonly at: number; readonly last: number }[] = []
  readonly #windows: { readonly from: number; readonly to: number; readonly bytes: number }[] = []

  constructor(seed: number, spaceName: string, settings: Settings, keepTrace: boolean) {
    this.seed = seed
    this.spaceName = spaceName
    this.settings = settings
    this.storeFaults = { delayMsMax: settings.storeDelayMsMax, failure: 0 }
    this.imageFaults = { ...this.storeFaults }
    this.time = new TimeCheck(
      () => this.clock.now(),
      (problem) => this.fail('time', problem),
    )
    this.trace = new Trace(() => this.clock.monotonic(), keepTrace)
    const logClock = clockAhead(this.clock, () => this.logAheadMs)
    this.log = new SimulatedStream(logClock, { identity: 'log' })
    this.changes = new SimulatedStream(this.clock, { identity: 'changes' })
    this.network = new Network(this.clock, this.random())
    this.store = new ObservedStore('exact', (from, store) => this.#applied('store', from, store))
    this.image = new ObservedStore('fuzzy', (from, store) => this.#applied('image', from, store))
    this.#watchLog()
    this.#watchChanges()
  }

  /** Where the log ended so long ago. */
  logEnd(msAgo: number): number {
    const until = this.clock.monotonic() - msAgo
    return this.#ends.findLast(({ at }) => at <= until)?.last ?? 0
  }

  loseTail(count: number): void {
    this.tail = 'losing'
    this.log.loseTail(count)
    this.reference = this.reference.upTo(this.log.last)
    this.trace.note(`the log has lost its tail: it ends at ${this.log.last}`)
  }

  /** A sequence of its own. */
  random(): SeededRandom {
    return new SeededRandom(this.seed * 4096 + this.#connections++)
  }

  fail(rule: string, what: string): void {
    this.trace.note(`!! ${rule}: ${what}`)
    this.problems.push(`${rule}: ${what}`)
  }

  connect(name: string): Connected {
    const host = new Host(name, this.clock)
    const random = this.random()
    const clock = new HostClock(host, this.clock, {
      skewMs: this.#skewMs(random),
      rate: 0.97 + random.below(600) / 10_000,
    })
    return {
      host,
      clock,
      random,
      log: this.#connectLog(host, this.log, this.settings.logRecordBytesMax),
      changes: this.#connectLog(host, this.changes, this.settings.windowRecordBytesMax),
      store: this.#connectStore(host, this.store, this.storeFaults),
      image: this.#connectStore(host, this.image, this.imageFaults),
    }
  }

  /** Most clocks are right, some nearly, and a few hours off. */
  #skewMs(random: SeededRandom): number {
    if (random.chance(0.3)) return random.below(2000) - 1000
    const { wrongClocks = 0 } = this.settings
    if (wrongClocks === 0 || !random.chance(wrongClocks)) return 0
    this.coverage.count('clocks: of machines hours off')
    this.time.wasWrong = true
    return (random.chance(0.5) ? 1 : -1) * random.below(10 * 3_600_000)
  }

  /** Nothing goes wrong any more, from now on. What hosts suffer is theirs. */
  calm(): void {
    Object.assign(this.appendFaults, noAppendFaults)
    this.calmStore(this.storeFaults)
    this.calmStore(this.imageFaults)
    Object.assign(this.network.faults, { delayMsMax: 2, loss: 0, doubling: 0 })
    this.log.full = false
    this.changes.full = false
  }

  calmStore(faults: StoreFaults): void {
    Object.assign(faults, { delayMsMax: this.settings.storeDelayMsMax, failure: 0 })
  }

  /** Lets time pass until the condition holds; false when it does not within `msMax`. */
  async until(condition: () => boolean, msMax: number): Promise<boolean> {
    return await passes(this.clock, condition, msMax)
  }

  #connectStore(host: Host, store: ObservedStore, faults: StoreFaults): HostStore {
    return new HostStore(host, store, this.clock, this.random(), faults, this.coverage)
  }

  #connectLog(host: Host, stream: SimulatedStream, recordBytesMax: number): HostLog {
    const random = this.random()
    const { latencyMsMax, inOrder, appendTimeoutMs } = this.settings
    const latencyMs = inOrder ? () => latencyMsMax : () => random.below(latencyMsMax + 1)
    const options = { recordBytesMax, latencyMs, timeoutMs: appendTimeoutMs }
    const connection = new SimulatedLog(this.clock, stream, options)
    connection.fate = () => fateOf(this.appendFaults, random, this.coverage)
    return new HostLog(host, connection, this.clock)
  }

  #watchLog(): void {
    let { identity } = this.log
    this.log.watch(() => {
      if (this.log.identity !== identity) {
        identity = this.log.identity
        this.trace.note(`the log is now ${identity}`)
        return
      }
      // architecture.md, invariant 7
      if (this.log.first > Math.max(1, this.store.reached?.position ?? 0))
        this.fail('trim', `the log begins at ${this.log.first}, the store is not there yet`)
      // Whatever another log holds, the grid must have nothing to do with it.
      if (identity !== 'log') return
      for (let at = this.reference.last + 1; at <= this.log.last; at++) this.#logged(at)
      this.#ends.push({ at: this.clock.monotonic(), last: this.log.last })
    })
  }

  #logged(position: number): void {
    const record = this.log.read(position)
    if (!record) return
    const { decisions } = this.reference
    const before = decisions.length
    const melded = this.reference.add(record)
    this.trace.hash(record.data)
    if (!melded) return
    const { frame, accepted } = melded
    this.time.logged(frame, record, this.reference.state.time)
    this.#checkSize(frame, record.data.byteLength, position)
    const kind = Object.entries(FrameKind).find(([, number]) => number === frame.kind)?.[0]
    const from = 'origin' in frame ? ` ${frame.origin}/${frame.id}` : ''
    const outcomes = decisions.slice(before).map(({ evaluation }) => evaluation.outcome)
    this.trace.note(
      `log ${position}: ${kind}${from}${accepted ? '' : ' IGNORED'} ${outcomes.join(' ')}`,
    )
    this.coverage.count(accepted ? `frames: ${kind}` : 'frames: ignored')
    for (const outcome of outcomes) this.coverage.count(`transactions: ${outcome}`)
  }

  /** architecture.md, invariant 10: what a unit sends keeps to that unit's limits. */
  #checkSize(frame: Frame, bytes: number, position: number): void {
    if (!('origin' in frame)) return
    const { unit } = this.reference.state.origins.get(frame.origin) ?? {}
    const options = this.settings.unitOptions[Number(unit?.split('-')[1])]
    if (!options) return
    const { frameTransactionsMax = Infinity } = options
    const bytesMax = this.frameBytesMax(options)
    const header = frame.kind === FrameKind.part ? frameHeaderBytesMax : 0
    if (bytes > bytesMax + header)
      this.fail('limit', `the frame of ${unit} at ${position} has ${bytes} bytes, not ${bytesMax}`)
    const count = frame.kind === FrameKind.transactions ? frame.transactions.length : 0
    if (count > frameTransactionsMax)
      this.fail('limit', `the frame of ${unit} at ${position} has ${count} transactions`)
  }

  /** Of a unit: also what its log takes sets a limit. */
  frameBytesMax({ frameBytesMax = Infinity }: Partial<UnitOptions>): number {
    return Math.min(frameBytesMax, this.settings.logRecordBytesMax - 1024)
  }

  #watchChanges(): void {
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
        if (!window) continue
        this.trace.note(`changes ${next}: window ${window.from}-${window.to}`)
        this.coverage.count('windows')
        if (window.parts.length > 1) this.coverage.count('windows: in parts')
        if (window.from > this.#windowsTo && !this.queueDamaged && this.tail === 'whole')
          this.fail(
            'window',
            `begins at ${window.from}, the one before ended at ${this.#windowsTo}`,
          )
        this.#windowsTo = window.to
        if (window.logIdentity !== 'log' || this.tail !== 'whole') continue
        this.#windows.push(window)
        const compare = async () => {
          const whole = await decodeWindow(window.parts, () => undefined)
          for (const problem of compareWindow(whole, this.reference, this.store.wasDamaged))
            this.fail('window', problem)
        }
        compare().catch((error) => this.fail('window', String(error)))
      }
    })
  }

  #applied(
    name: 'store' | 'image',
    from: number,
    { reached, held, archived, isDamaged, tampered }: ObservedStore,
  ): void {
    if (!reached || reached.position < 0 || isDamaged || this.tail !== 'whole') return
    if (tampered.size > 0) return
    this.trace.note(`${name} ${from} -> ${reached.position}`)
    this.coverage.count(`${name}: steps`)
    if (reached.logIdentity !== 'log') {
      this.fail(name, `it has taken something of the log ${reached.logIdentity}`)
      return
    }
    const left = name === 'store' ? archived : undefined
    for (const problem of compareStored(reached, held, this.reference, left))
      this.fail(name, problem)
    if (name === 'store') this.#checkBatch(from, reached.position)
  }

  /**
   * A step of the store takes windows up to a limit, or a single one; which it took is certain
   * while each begins where the last one ends.
   */
  #checkBatch(from: number, to: number): void {
    const taken = this.#windows.filter((window) => window.to > from && window.to <= to)
    const isChain = taken.every((window, at) => at === 0 || window.from === taken[at - 1]?.to)
    if (!isChain || taken.length < 2) return
    const bytes = taken.reduce((sum, window) => sum + window.bytes, 0)
    const { batchBytesMax } = this.settings.writerOptions
    if (bytes > batchBytesMax)
      this.fail('limit', `the step from ${from} to ${to} has ${bytes} bytes, not ${batchBytesMax}`)
  }
}
