import { isGridError, Rejection } from '@spacegrid/grid/core/errors'
import type { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { applyFault, makeWell } from '../divided/faults.ts'
import type { AskStep } from '../divided/plan.ts'
import { DividedWorld } from '../divided/world.ts'
import type { RunResult } from '../run.ts'
import { settled } from '../world/passing-time.ts'
import type { ReactingApplication, ReactingAsk, ToldOrRead } from './application.ts'
import { Crew } from './crew.ts'
import type { ReactingPlan } from './plan.ts'
import { ShopApplication } from './shop-application.ts'

const setupMsMax = 30_000
const recoveryMsMax = 180_000
const inspectionMsMax = 5000
const inspectEveryMs = 700

/** The proof's own spaces. */
export async function runShop(plan: ReactingPlan, keepTrace = false): Promise<RunResult> {
  const result = await runReacting(plan, (world) => new ShopApplication(world), keepTrace)
  const named = [...result.coverage].map(([what, times]) => [`reactions: ${what}`, times] as const)
  return { ...result, coverage: new Map(named) }
}

/**
 * Runs a grid of several spaces: events of the one become commands of another, and processes with
 * calls outside, while everything dies. To its end or its first violation.
 */
export async function runReacting(
  plan: ReactingPlan,
  begin: (world: DividedWorld) => ReactingApplication,
  keepTrace = false,
): Promise<RunResult> {
  const world = new DividedWorld(plan.seed, plan.settings, keepTrace)
  const application = begin(world)
  try {
    await new ReactingRun(plan, world, application).toTheEnd()
  } finally {
    application.close?.()
  }
  const { problems, trace, coverage, references } = world
  trace.note(`the end: ${references.map((it) => it.at(it.last)?.digest).join(' ')}`)
  return {
    seed: plan.seed,
    workload: plan.workload,
    problems,
    digest: trace.digest,
    trace: trace.lines ?? [],
    coverage: coverage.counts,
  }
}

class ReactingRun {
  readonly #world: DividedWorld
  readonly #plan: ReactingPlan
  readonly #application: ReactingApplication
  readonly #crew: Crew
  #asked = 0
  #open = 0

  constructor(plan: ReactingPlan, world: DividedWorld, application: ReactingApplication) {
    this.#plan = plan
    this.#world = world
    this.#application = application
    this.#crew = new Crew(world, application)
    world.logged = (space) => application.logged(space)
  }

  async toTheEnd(): Promise<void> {
    const world = this.#world
    const crew = this.#crew
    const inspect = () => {
      crew.inspect()
      this.#inspectUnits(false)
      world.clock.after(inspectEveryMs, inspect)
    }
    world.clock.after(inspectEveryMs, inspect)
    crew.startMissing()
    if (!(await world.until(() => this.#allReady() || this.#isBroken, setupMsMax)))
      world.fail('liveness', `not ready within ${setupMsMax} ms`)
    if (!this.#isBroken) await this.#setUp()
    if (!this.#isBroken) {
      for (const step of this.#plan.steps)
        world.clock.after(step.atMs, () => {
          if (step.kind === 'ask') void this.#next(step)
          else applyFault(step.fault, world, crew)
        })
      await world.until(() => this.#isBroken, this.#plan.endMs)
      await this.#recover()
    }
    if (!this.#isBroken)
      for (const problem of this.#application.judge()) world.fail('judge', problem)
    for (const { host } of crew.running) host.crash()
    await settled()
  }

  get #isBroken(): boolean {
    return this.#world.problems.length > 0
  }

  #allReady(): boolean {
    return this.#crew.running.every(({ units }) => units.every((unit) => unit.readiness().ready))
  }

  async #setUp(): Promise<void> {
    const { setup } = this.#application
    let done = 0
    const work = async () => {
      for (const ask of setup) {
        const told = await this.#ask(ask, `setup ${done}`, { units: [0, 1, 0], patienceMs: 2000 })
        if (told?.kind !== 'answer')
          this.#world.fail('setup', `${ask.name} is not done: ${JSON.stringify(told)}`)
        done++
      }
    }
    void work()
    await this.#world.until(() => done === setup.length || this.#isBroken, setupMsMax)
  }

  async #next(step: AskStep): Promise<void> {
    const number = ++this.#asked
    await this.#ask(this.#application.next(step, number), `order-${number}`, step)
  }

  /**
   * A client asks one unit after the other until it is told something that is certain.
   * @param id names the question: a repetition is none
   */
  async #ask(
    ask: ReactingAsk,
    id: string,
    { units, patienceMs }: Pick<AskStep, 'units' | 'patienceMs'>,
  ): Promise<ToldOrRead | undefined> {
    const { clock, trace } = this.#world
    let certain: ToldOrRead | undefined
    this.#open++
    for (const number of units) {
      const running = this.#crew.slots[number % this.#crew.slots.length]?.running
      const unit = running?.units[ask.space]
      if (!unit) continue
      const told = await new Promise<ToldOrRead | undefined>((resolve) => {
        clock.after(patienceMs, () => resolve(undefined))
        running.host.deliver(() => void answer(unit, ask, `client ${id}`).then(resolve))
      })
      const what = told === undefined || told.kind === 'failure' ? 'unknown' : told.kind
      trace.note(`client ${ask.name} ${id}: ${what}`)
      if (told) this.#application.heard(ask, told)
      if (what === 'unknown') continue
      certain = told
      break
    }
    this.#open--
    return certain
  }

  /** @returns whether all units that are there have been looked at */
  #inspectUnits(isEnd: boolean): () => boolean {
    let open = 0
    for (const { name, running } of this.#crew.slots)
      for (const [space, unit] of running?.units.entries() ?? []) {
        const looking = this.#application.inspect?.(space, unit, name, isEnd)
        if (!looking) continue
        open++
        void looking.finally(() => open--)
      }
    return () => open === 0
  }

  /** Nothing goes wrong any more: what has been promised is done, and nothing is left to do. */
  async #recover(): Promise<void> {
    const world = this.#world
    makeWell(world, this.#crew)
    this.#application.calm()
    const missing = () => this.#missing()
    if (!(await world.until(() => this.#isBroken || missing().length === 0, recoveryMsMax)))
      world.fail('liveness', missing().join('; '))
    this.#crew.inspect()
    if (this.#isBroken) return
    const areSeen = this.#inspectUnits(true)
    await world.until(() => areSeen() || this.#isBroken, inspectionMsMax)
  }

  #missing(): string[] {
    this.#crew.startMissing()
    const missing: string[] = []
    if (this.#open > 0) missing.push(`${this.#open} requests are open`)
    for (const { name, running } of this.#crew.slots)
      for (const [log, unit] of running?.units.entries() ?? []) {
        const { ready, reason } = unit.readiness()
        if (!ready) missing.push(`${name} ${unit.space.name}: ${reason}`)
        const last = this.#world.references[log]?.last ?? 0
        if (unit.position < last - 2)
          missing.push(`${name} ${unit.space.name} is at ${unit.position} of ${last}`)
      }
    return [...missing, ...this.#application.missing()]
  }
}

async function answer(
  unit: ProcessingUnit,
  { kind, name, input }: ReactingAsk,
  idempotencyKey: string,
): Promise<ToldOrRead> {
  try {
    if (kind === 'query') return { kind: 'read', result: (await unit.query(name, input)).result }
    return { kind: 'answer', answer: await unit.execute(name, input, { idempotencyKey }) }
  } catch (error) {
    if (error instanceof Rejection)
      return { kind: 'rejection', reason: error.reason, details: error.details }
    if (isGridError(error)) return { kind: 'failure', code: error.code, message: error.message }
    return { kind: 'failure', code: 'bug', message: String((error as Error)?.stack ?? error) }
  }
}
