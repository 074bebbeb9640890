import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import {
  type ScalingDecision,
  type ScalingStatus,
  scalingLine,
} from '@spacegrid/grid/engine/load/scaling-status'
import { type Timer, within } from '@spacegrid/grid/engine/ports/clock'
import { Decider } from './decide/decider.ts'
import { type Decision, isRefusal } from './decide/decision.ts'
import type { Moment, UnitSignals } from './decide/moment.ts'
import type { Deployed } from './drivers/driver.ts'
import { Journal } from './journal.ts'
import { Lease } from './lease/lease.ts'
import type { ScalingOptions, ScalingPorts } from './scaling-options.ts'
import { LoadAsker } from './signals/load-asker.ts'

/** From one look to the next, where all that is asked is here, and where it is a server. */
const lookMsHere = 250
const lookMsElsewhere = 1000
/** A driver that takes longer has to be asked again. */
const driverMsMax = 4000
/** What is refused for the same reason is told again after so long. */
const tellAgainMs = 60_000
/** What units cost is written down so often where nothing else is. */
const writeMs = 60_000
/** Without an answer for so long it is not ready. */
const silentMsMax = 10_000
const nothing: Deployed = { wanted: 0, starting: 0, ready: 0, spares: 0 }

/**
 * Adds processing units before they are missed, and takes them away when they have not been needed
 * for long: looks how the units fare, once a second or more often, decides (`Decider`), and tells
 * the driver how many there are to be. Of several managers the one with the lease works; the others
 * stand by. It keeps nothing that matters: how many there are the driver knows, how they fare the
 * units say, and of what was decided and what it has cost the journal tells the next one. So it may
 * be killed at any moment: a unit that it has asked for comes once, for the driver is told a number
 * and not to add one.
 */
export class DeploymentManager {
  readonly name: string
  readonly #ports: ScalingPorts
  readonly #options: ScalingOptions
  readonly #lease: Lease
  readonly #journal: Journal
  readonly #asker: LoadAsker
  readonly #counts = new Map<string, { action: string; cause: string; count: number }>()
  #decider: Decider | undefined
  #deployed = nothing
  #units: readonly UnitSignals[] = []
  #told: { readonly cause: string; readonly at: number } | undefined
  #writtenAt = Number.NEGATIVE_INFINITY
  #isUnwritten = false
  #leaseAt = Number.NEGATIVE_INFINITY
  #driverAt = Number.NEGATIVE_INFINITY
  #fault = 'starting'
  #timer: Timer | undefined
  #turn: Promise<void> = Promise.resolve()
  #isStopping = false

  /** @param name unique among the managers of these spaces */
  constructor(name: string, ports: ScalingPorts, options: ScalingOptions) {
    this.name = name
    this.#ports = ports
    this.#options = options
    this.#lease = new Lease(ports.lease, ports.clock, name)
    this.#journal = new Journal(ports.journal)
    this.#asker = new LoadAsker(options.spaces, ports)
  }

  start(): void {
    this.#asker.start()
    this.#next(0)
  }

  /** Units stay as they are; another manager may go on at once. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#timer?.cancel()
    await this.#turn
    if (this.#lease.isHeld && this.#decider) await this.#journal.write(this.#decider.budget.spent)
    await this.#lease.release()
    await this.#asker.stop()
  }

  readiness(): Readiness {
    if (this.#isStopping) return { ready: false, reason: 'stopping' }
    const now = this.#ports.clock.monotonic()
    const at = this.#lease.isHeld ? Math.min(this.#leaseAt, this.#driverAt) : this.#leaseAt
    return now - at < silentMsMax ? { ready: true } : { ready: false, reason: this.#fault }
  }

  status(): ScalingStatus {
    const { unitsMin, unitsMax, unitHoursMax } = this.#options
    const { wanted, ready, starting, spares } = this.#deployed
    const isActive = this.#lease.isHeld
    return {
      ...{ active: isActive, holder: this.#lease.holder ?? null, driver: this.#ports.driver.name },
      ...{ wanted, ready, starting, spares, unitsMin, unitsMax, unitHoursMax },
      silent: isActive ? Math.max(0, ready - this.#units.length) : 0,
      unitHours: this.#decider?.budget.unitHours ?? 0,
      startMs: this.#decider?.startMs ?? 0,
      counts: [...this.#counts.values()],
      decisions: this.#journal.decisions,
    }
  }

  #next(ms: number): void {
    if (this.#isStopping) return
    this.#timer = this.#ports.clock.after(ms, () => {
      const begun = this.#ports.clock.monotonic()
      this.#turn = this.#look()
      const lookMs = this.#ports.driver.isHere ? lookMsHere : lookMsElsewhere
      void this.#turn.then(() =>
        this.#next(Math.max(0, lookMs - (this.#ports.clock.monotonic() - begun))),
      )
    })
  }

  /** The world's faults end this look, not the next one. */
  async #look(): Promise<void> {
    try {
      await this.#lease.look()
      this.#leaseAt = this.#ports.clock.monotonic()
      const { term } = this.#lease
      if (term === undefined) this.#standBy()
      else await this.#work(term)
    } catch (error) {
      if (!isGridError(error)) throw error
      this.#fault = error.message
    }
  }

  #standBy(): void {
    if (this.#decider)
      this.#report('warn', `stands by: ${this.#lease.holder ?? 'another manager'} works`)
    this.#decider = undefined
    this.#deployed = nothing
  }

  async #work(term: number): Promise<void> {
    if (!this.#decider) {
      await this.#journal.read()
      this.#decider = new Decider(this.#options, this.#journal.spent)
      this.#report('info', `works for ${this.#options.spaces.map(({ name }) => name).join(', ')}`)
    }
    this.#asker.ask()
    const { clock, driver } = this.#ports
    this.#deployed = await within(clock, driverMsMax, driver.look(), tooLate)
    this.#driverAt = clock.monotonic()
    this.#units = this.#asker.units()
    const decision = this.#decider.decide(this.#moment())
    await this.#do(decision, term)
    await this.#writeDown()
  }

  #moment(): Moment {
    const { clock, driver, idleCores } = this.#ports
    return {
      ...{ at: clock.monotonic(), now: clock.now(), spaces: this.#options.spaces },
      ...this.#deployed,
      units: this.#units,
      idleCores: driver.isHere ? idleCores() : undefined,
      natsTripMs: this.#asker.natsTripMs,
    }
  }

  async #do(decision: Decision, term: number): Promise<void> {
    const { action, cause, units, why } = decision
    if (action === 'hold') {
      if (isRefusal(decision)) this.#tellRefused(decision)
      else this.#told = undefined
      return
    }
    // Whoever was frozen meanwhile has nothing to say any more.
    if (!this.#lease.isHeld) return
    this.#told = undefined
    this.#note({ action, cause, to: units, why })
    const { clock, driver } = this.#ports
    try {
      await within(clock, driverMsMax, driver.scale(units, term), tooLate)
    } catch (error) {
      if (!isGridError(error)) throw error
      this.#note({ action: 'failed', cause: error.code, to: units, why: error.message })
    }
  }

  #tellRefused({ cause, units: to, why }: Decision): void {
    // What will be seen in a moment need not be told.
    if (cause === 'settling') return
    const now = this.#ports.clock.monotonic()
    const isNews = this.#told?.cause !== cause || now - this.#told.at >= tellAgainMs
    if (!isNews) return
    this.#told = { cause, at: now }
    this.#note({ action: 'hold', cause, to, why })
  }

  #note(noted: Pick<ScalingDecision, 'action' | 'cause' | 'to' | 'why'>): void {
    const { wanted: from } = this.#deployed
    const decision = { at: this.#ports.clock.now(), by: this.name, from, ...noted }
    const { action, cause } = decision
    const key = `${action} ${cause}`
    const known = this.#counts.get(key) ?? { action, cause, count: 0 }
    this.#counts.set(key, { ...known, count: known.count + 1 })
    this.#journal.add(decision)
    this.#isUnwritten = true
    this.#report(action === 'failed' ? 'warn' : 'info', scalingLine(decision))
  }

  async #writeDown(): Promise<void> {
    const now = this.#ports.clock.monotonic()
    if (!this.#isUnwritten && now - this.#writtenAt < writeMs) return
    if (!this.#lease.isHeld || !this.#decider) return
    this.#isUnwritten = !(await this.#journal.write(this.#decider.budget.spent))
    this.#writtenAt = now
  }

  #report(level: 'info' | 'warn', message: string): void {
    this.#options.report?.({ kind: 'scaling', level, message })
  }
}

const tooLate = () =>
  new GridError('request_timeout', `the driver does not answer within ${driverMsMax} ms`)
