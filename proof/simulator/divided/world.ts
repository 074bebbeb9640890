import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import { isFollowUp, StepKind, type TransactionRecord } from '@spacegrid/grid/core/steps'
import { Host, HostClock } from '@spacegrid/grid/kit/host'
import { HostLog } from '@spacegrid/grid/kit/host-log'
import { Network } from '@spacegrid/grid/kit/network'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { Reference } from '../check/reference.ts'
import { type AppendFaults, fateOf, noAppendFaults } from '../world/append-faults.ts'
import { Coverage } from '../world/coverage.ts'
import { clockAhead, passes } from '../world/passing-time.ts'
import { Trace } from '../world/trace.ts'
import type { DividedSettings } from './plan.ts'

/** A unit's process and its connections, those to logs as it asks for them. */
export interface Connected {
  readonly host: Host
  readonly clock: HostClock
  readonly random: SeededRandom
  readonly logs: Map<number, HostLog>
  openLog(partition: number): HostLog
}

/** The logs of all partitions, the network and the time: what outlives all units. */
export class DividedWorld {
  readonly clock = new SimulatedClock()
  readonly trace: Trace
  readonly coverage = new Coverage()
  readonly settings: DividedSettings
  readonly streams: readonly SimulatedStream[]
  /** Of each partition: its log, melded as it is written. */
  readonly references: readonly Reference[]
  readonly network: Network
  readonly appendFaults: AppendFaults = { ...noAppendFaults }
  readonly problems: string[] = []
  /** Logs that nobody reaches just now. */
  readonly away = new Set<number>()
  /** Told that a log has gone on. */
  logged: (partition: number) => void = () => undefined
  readonly seed: number
  #connections = 0

  constructor(seed: number, settings: DividedSettings, keepTrace: boolean) {
    this.seed = seed
    this.settings = settings
    this.trace = new Trace(() => this.clock.monotonic(), keepTrace)
    this.network = new Network(this.clock, this.random())
    this.streams = settings.logsAheadMs.map(
      (aheadMs, partition) =>
        new SimulatedStream(
          clockAhead(this.clock, () => aheadMs),
          { identity: `log-${partition}` },
        ),
    )
    this.references = this.streams.map((stream, partition) => {
      const reference = new Reference((problem) =>
        this.fail('meld', `of partition ${partition}: ${problem}`),
      )
      stream.watch(() => this.#logged(partition, stream, reference))
      return reference
    })
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
      skewMs: random.chance(0.7) ? 0 : random.below(2000) - 1000,
      rate: 0.97 + random.below(600) / 10_000,
    })
    const logs = new Map<number, HostLog>()
    const openLog = (partition: number): HostLog => {
      const log = this.#connectLog(host, partition)
      logs.set(partition, log)
      if (this.away.has(partition)) log.cut()
      return log
    }
    return { host, clock, random, logs, openLog }
  }

  /** Nothing goes wrong any more, from now on. What hosts suffer is theirs. */
  calm(): void {
    Object.assign(this.appendFaults, noAppendFaults)
    Object.assign(this.network.faults, { delayMsMax: 2, loss: 0, doubling: 0 })
    this.away.clear()
  }

  /** Lets time pass until the condition holds; false when it does not within `msMax`. */
  async until(condition: () => boolean, msMax: number): Promise<boolean> {
    return await passes(this.clock, condition, msMax)
  }

  #connectLog(host: Host, partition: number): HostLog {
    const random = this.random()
    const { latencyMsMax, appendTimeoutMs } = this.settings
    const stream = this.streams[partition] as SimulatedStream
    const connection = new SimulatedLog(this.clock, stream, {
      latencyMs: () => random.below(latencyMsMax + 1),
      timeoutMs: appendTimeoutMs,
    })
    connection.fate = () => fateOf(this.appendFaults, random, this.coverage)
    return new HostLog(host, connection, this.clock)
  }

  #logged(partition: number, stream: SimulatedStream, reference: Reference): void {
    for (let at = reference.last + 1; at <= stream.last; at++) {
      const record = stream.read(at)
      if (!record) return
      const before = reference.decisions.length
      const melded = reference.add(record)
      this.trace.hash(record.data)
      if (!melded) continue
      const decided = reference.decisions.slice(before)
      for (const { transaction, evaluation } of decided) {
        this.coverage.count(whatBecameOf(transaction, evaluation))
      }
      const told = decided.map(({ evaluation }) => evaluation.outcome).join(' ')
      this.trace.note(`log ${partition}/${at}: ${melded.accepted ? '' : 'IGNORED '}${told}`)
    }
    this.logged(partition)
  }
}

/** `prepare: applied`, `decide: commit`; of a verdict that others asked for: `asked: abort`. */
function whatBecameOf({ hold, steps }: TransactionRecord, evaluation: Evaluation): string {
  const [step] = steps
  if (step && isFollowUp(step) && evaluation.outcome === 'applied') {
    const [fate] = evaluation.outcomes
    const names = Object.entries(StepKind)
    const name = names.find(([, kind]) => kind === step.kind)?.[0]
    return `${step.kind === StepKind.decide && step.asked ? 'asked' : name}: ${fate}`
  }
  return `${hold ? 'prepare' : 'transaction'}: ${evaluation.outcome}`
}
