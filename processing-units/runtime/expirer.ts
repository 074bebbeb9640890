import { archivingSteps } from '@spacegrid/grid/core/archive-buckets'
import { refusePromise } from '@spacegrid/grid/core/callback'
import type { IndexRange, Scalar, Value } from '@spacegrid/grid/core/data-types'
import { isGridError, Rejection } from '@spacegrid/grid/core/errors'
import type { Evaluation } from '@spacegrid/grid/core/evaluation'
import { KeyedRecorder } from '@spacegrid/grid/core/keyed-recorder'
import type { CacheLayout } from '@spacegrid/grid/core/layout'
import type { Outbox } from '@spacegrid/grid/core/outbox'
import { hashOfStored, type Place } from '@spacegrid/grid/core/place'
import { PlacedRecorder } from '@spacegrid/grid/core/placed-recorder'
import type { Recorder } from '@spacegrid/grid/core/recorder'
import { archiveIndex, declaredShape, expiryIndex } from '@spacegrid/grid/core/shape'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { TransactionRecord } from '@spacegrid/grid/core/steps'
import type { AnyCache, Archive, Cache } from '@spacegrid/grid/core/transaction'
import { transactionId } from '@spacegrid/grid/core/version'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type { LogClock } from '@spacegrid/grid/engine/replica/log-clock'
import type { Admission } from './admission.ts'
import type { FaultDesk } from './fault-desk.ts'
import type { FrameChain } from './frame-chain.ts'
import { rememberedCommands } from './idempotency.ts'
import { asApplication } from './origin.ts'
import type { RunnerParts } from './runner-parts.ts'
import type { UnitOptions } from './unit-options.ts'

/**
 * How much later than the one before it each unit looks for due entries: usually the first one has
 * done the work by then.
 */
const rankDelayMs = 300
/** An entry that could not be ended is left alone for this long. */
const restMs = 10_000
/**
 * Longest pause after something was not due in the log yet: by then its clock may have been set
 * right.
 */
const earlyMsMax = 1_000

/** Who is told what an expirer does. */
export interface ExpirerListener {
  /** An expiry has changed an entry: nothing that is pending foresaw that. */
  changed(cache: number, key: string): void
  /** A batch has been ended, and there is more than that: time for another sweep. */
  more(): void
}

/** What entries are ended with: as commands are run, in the same life of a unit. */
export interface ExpirerParts
  extends Pick<
    RunnerParts,
    'state' | 'chain' | 'clock' | 'time' | 'random' | 'faults' | 'outbox' | 'place'
  > {
  readonly caches: readonly AnyCache[]
  /** Of all that the unit sends. */
  readonly admission: Admission
}

/** Which entries are due, and for what. */
interface Duty {
  readonly cache: AnyCache
  /** Its last field is the time. */
  readonly index: string
  /** What its other fields are: one list of values for each kind of entry that is due. */
  readonly equals: readonly (readonly Scalar[])[]
  /** How long after that time an entry is due, ms. */
  readonly afterMs: number
}

/**
 * Ends the entries whose time has come, and takes those out of memory that are to leave it, by
 * ordinary transactions: whether it has come is judged by the log's time when the transaction is
 * melded, and its reads are validated, so that any number of units may try and each entry expires,
 * or leaves, once.
 */
export class Expirer {
  readonly #duties: readonly Duty[]
  readonly #state: SpaceState
  readonly #chain: FrameChain
  readonly #clock: Clock
  readonly #time: LogClock
  readonly #random: Random
  readonly #options: UnitOptions
  readonly #admission: Admission
  readonly #faults: FaultDesk
  readonly #listener: ExpirerListener
  readonly #outbox: Outbox | undefined
  readonly #place: Place | undefined
  /**
   * Entries that could not be ended: cache number and key → the version that could not, and
   * monotonic ms until which it rests.
   */
  readonly #resting = new Map<string, { readonly version: number; readonly until: number }>()
  /** Transactions that the log has not decided yet; there is no other sweep before. */
  #underWay = 0
  /** The sweep has found more than a batch, and: some of it has been ended. */
  #more = false
  #progress = false
  /**
   * Monotonic ms until which what was due here is not due in the log yet: the two clocks may differ
   * by a little.
   */
  #earlyUntil = 0

  constructor(parts: ExpirerParts, options: UnitOptions, listener: ExpirerListener) {
    // A cache keeps the index of an expiry that an earlier version of the application declared:
    // what this one does not declare, it does not do.
    this.#duties = [...parts.caches.flatMap(dutiesOf), ...dutiesOf(rememberedCommands)]
    this.#state = parts.state
    this.#chain = parts.chain
    this.#clock = parts.clock
    this.#time = parts.time
    this.#random = parts.random
    this.#options = options
    this.#admission = parts.admission
    this.#faults = parts.faults
    this.#listener = listener
    this.#outbox = parts.outbox
    this.#place = parts.place
  }

  /** Called often. */
  sweep(): void {
    if (!this.#chain.joined || this.#underWay > 0) return
    if (this.#clock.monotonic() < this.#earlyUntil) return
    this.#more = false
    this.#progress = false
    this.#forgetRested()
    const due = this.#time.now() - this.#rank() * rankDelayMs
    for (const duty of this.#duties) {
      const layout = this.#state.layout.named(duty.cache.name)
      const index = layout?.indexNumber(duty.index)
      if (!layout || index === undefined) continue
      const to = due - duty.afterMs
      for (const equals of duty.equals)
        for (const key of this.#dueKeys(layout, index, { equals, to })) this.#end(duty, layout, key)
    }
  }

  #dueKeys({ number }: CacheLayout, index: number, range: IndexRange): string[] {
    const keys: string[] = []
    const max = this.#options.expiryBatchMax
    this.#state.scan(number, index, range, ({ key, version }) => {
      if (this.#resting.get(nameOf(number, key))?.version !== version) keys.push(key)
      return keys.length < max
    })
    if (keys.length === max) this.#more = true
    return keys
  }

  #forgetRested(): void {
    const now = this.#clock.monotonic()
    // Oldest first, so it stops at the first one that rests on.
    for (const [name, { until }] of this.#resting) {
      if (until > now) return
      this.#resting.delete(name)
    }
  }

  #rest(cache: number, key: string, version: number): void {
    const name = nameOf(cache, key)
    this.#resting.delete(name)
    this.#resting.set(name, { version, until: this.#clock.monotonic() + restMs })
  }

  /** This unit's place among those that are known, by age. */
  #rank(): number {
    let rank = 0
    for (const [origin, { lastTime }] of this.#state.origins)
      if (
        origin < this.#chain.origin &&
        lastTime > this.#state.time - 3 * this.#options.heartbeatMs
      )
        rank++
    return Math.min(rank, 10)
  }

  #end(duty: Duty, layout: CacheLayout, key: string): void {
    const entry = this.#state.find(layout.number, key)
    if (!entry) return
    const notBefore = dueAt(duty, layout, entry.value)
    if (duty.index === archiveIndex) {
      const reads = [{ cache: layout.number, key, version: entry.version }]
      const steps = archivingSteps(this.#state.layout, layout, key)
      const record = { reads, ranges: [], steps, events: [], notBefore }
      this.#send(duty, layout, key, { number: this.#chain.nextNumber(), ...record }, key.length)
    } else this.#expire(duty, layout, key, entry.value, notBefore)
  }

  #expire(duty: Duty, layout: CacheLayout, key: string, stored: Value, notBefore: number): void {
    const { cache } = duty
    const number = this.#chain.nextNumber()
    const options = {
      id: transactionId(this.#chain.origin, number),
      now: Math.max(this.#time.now(), this.#state.time),
      newId: () => this.#random.id(),
      limits: this.#options.transaction,
      number,
      outbox: this.#outbox,
    }
    const place = this.#place
    const recorder = place
      ? new PlacedRecorder(this.#state, { ...options, place, hash: hashOfStored(layout, stored) })
      : new KeyedRecorder(this.#state, { ...options, partitionBy: keyOf(cache), value: stored })
    if (!this.#handle(cache, recorder, key)) {
      this.#rest(layout.number, key, this.#state.find(layout.number, key)?.version ?? 0)
      return
    }
    const { reads, ranges, steps, events } = recorder
    const record = { number, reads, ranges, steps, events, notBefore }
    this.#send(duty, layout, key, record, recorder.bytes)
  }

  #send(
    duty: Duty,
    layout: CacheLayout,
    key: string,
    record: TransactionRecord,
    written: number,
  ): void {
    const bytes = this.#admit(duty.cache, layout, key, record, written)
    if (bytes === undefined) return
    this.#underWay++
    this.#chain.send({
      record,
      cancelled: false,
      decided: (evaluation) => {
        this.#admission.settled(bytes)
        this.#decided(duty, layout, key, record.notBefore, evaluation)
        this.#finished()
      },
      // The next sweep sees what is still due.
      abandoned: () => {
        this.#admission.settled(bytes)
        this.#finished()
      },
    })
  }

  /**
   * The bytes to give back when it is decided; undefined when it may not be sent, as a command's
   * might not be.
   */
  #admit(
    cache: AnyCache,
    { number: cacheNumber }: CacheLayout,
    key: string,
    record: TransactionRecord,
    written: number,
  ): number | undefined {
    try {
      return this.#admission.admit(record, written, 0)
    } catch (error) {
      // Too much is on its way just now: what is due is found again by the next sweep.
      if (isGridError(error, 'overloaded')) return undefined
      // That there is no room passes; one that is too large stays so until its entry changes, and
      // people should know.
      if (!isGridError(error, 'memory_full'))
        this.#faults.judge({ kind: 'expiry', name: cache.name, declared: cache }, error)
      this.#rest(cacheNumber, key, this.#state.find(cacheNumber, key)?.version ?? 0)
      return undefined
    }
  }

  #decided(
    duty: Duty,
    layout: CacheLayout,
    key: string,
    notBefore: number,
    evaluation: Evaluation,
  ): void {
    const { time } = this.#state
    const { outcome } = evaluation
    if (outcome === 'applied') {
      this.#progress = true
      for (const write of evaluation.writes) this.#listener.changed(write.cache, write.key)
    } else if (time < notBefore)
      this.#earlyUntil = this.#clock.monotonic() + Math.min(notBefore - time, earlyMsMax)
    if (outcome === 'collided') return
    const entry = this.#state.find(layout.number, key)
    if (entry && dueAt(duty, layout, entry.value) === notBefore)
      this.#rest(layout.number, key, entry.version)
  }

  #finished(): void {
    this.#underWay--
    if (this.#underWay === 0 && this.#more && this.#progress)
      this.#clock.soon(() => this.#listener.more())
  }

  #handle(cache: AnyCache, recorder: Recorder, key: string): boolean {
    try {
      const value = recorder.get<Value>(cache as Cache<Value>, key)
      if (cache.onExpire) refusePromise(asApplication(cache.onExpire, recorder, value))
      else recorder.delete(cache, key)
      return recorder.writes
    } catch (thrown) {
      // A refusal leaves the entry as it is for a while, and so does what has no room just now.
      if (!(thrown instanceof Rejection || isGridError(thrown, 'outbox_full')))
        this.#faults.judge({ kind: 'expiry', name: cache.name, declared: cache }, thrown)
      return false
    } finally {
      recorder.close()
    }
  }
}

/** Log time from which on an entry is due, ms. */
function dueAt({ index, afterMs }: Duty, layout: CacheLayout, value: Value): number {
  const order = layout.orders[layout.indexNumber(index) as number]
  return (value[order?.fields.at(-1) as string] as number) + afterMs
}

function dutiesOf(cache: AnyCache): Duty[] {
  const { expiry, archive } = cache
  if (expiry !== undefined) return [{ cache, index: expiryIndex, equals: [[]], afterMs: 0 }]
  if (!archive) return []
  return [{ cache, index: archiveIndex, equals: combinationsOf(archive), afterMs: archive.ms }]
}

/** Every combination of the values that the fields of its condition may have. */
const combinationsOf = ({ when }: Archive): readonly (readonly Scalar[])[] =>
  Object.values(when).reduce<readonly (readonly Scalar[])[]>(
    (before, values) => before.flatMap((some) => values.map((value) => [...some, value])),
    [[]],
  )

const nameOf = (cache: number, key: string): string => `${cache} ${key}`

/** In a space that is not divided its shape does not say it; entries have their stored names. */
const keyOf = (cache: AnyCache) => declaredShape(cache).partitionBy
