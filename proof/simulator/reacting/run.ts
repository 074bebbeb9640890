import { Rejection } from '@spacegrid/grid/core/errors'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { applyFault, makeWell } from '../divided/faults.ts'
import type { AskStep } from '../divided/plan.ts'
import { DividedWorld } from '../divided/world.ts'
import type { RunResult } from '../run.ts'
import { settled } from '../world/passing-time.ts'
import { Bank } from './bank.ts'
import { Crew } from './crew.ts'
import { judge, outboxOf } from './judge.ts'
import type { ReactingPlan } from './plan.ts'

const setupMsMax = 30_000
const recoveryMsMax = 180_000
const inspectEveryMs = 700

/**
 * Runs a grid of two spaces: events of the one become commands of the other, and processes with
 * payments outside, while everything dies. To its end or its first violation.
 */
export async function runReacting(plan: ReactingPlan, keepTrace = false): Promise<RunResult> {
  const run = new ReactingRun(plan, keepTrace)
  await run.toTheEnd()
  const { problems, trace, coverage, references } = run.world
  trace.note(`the end: ${references.map((it) => it.at(it.last)?.digest).join(' ')}`)
  return {
    seed: plan.seed,
    workload: plan.workload,
    problems,
    digest: trace.digest,
    trace: trace.lines ?? [],
    coverage: new Map([...coverage.counts].map(([what, times]) => [`reactions: ${what}`, times])),
  }
}

class ReactingRun {
  readonly world: DividedWorld
  readonly #plan: ReactingPlan
  readonly #bank: Bank
  readonly #crew: Crew
  readonly #acknowledged = new Set<string>()
  #asked = 0
  #open = 0

  constructor(plan: ReactingPlan, keepTrace: boolean) {
    this.#plan = plan
    this.world = new DividedWorld(plan.seed, plan.settings, keepTrace)
    this.#bank = new Bank(this.world.clock, this.world.random())
    this.#crew = new Crew(this.world, this.#bank)
  }

  async toTheEnd(): Promise<void> {
    const { world } = this
    const crew = this.#crew
    const inspect = () => {
      crew.inspect()
      world.clock.after(inspectEveryMs, inspect)
    }
    world.clock.after(inspectEveryMs, inspect)
    crew.startMissing()
    if (!(await world.until(() => this.#allReady() || this.#isBroken, setupMsMax)))
      world.fail('liveness', `not ready within ${setupMsMax} ms`)
    if (!this.#isBroken) {
      for (const step of this.#plan.steps)
        world.clock.after(step.atMs, () => {
          if (step.kind === 'ask') void this.#ask(step)
          else applyFault(step.fault, world, crew)
        })
      await world.until(() => this.#isBroken, this.#plan.endMs)
      await this.#recover()
    }
    if (!this.#isBroken) {
      const [shop, office] = world.references.map(({ state }) => state) as [never, never]
      const count = (what: string) => world.coverage.count(what)
      for (const problem of judge(shop, office, this.#bank, this.#acknowledged, count))
        world.fail('judge', problem)
    }
    for (const { host } of crew.running) host.crash()
    await settled()
  }

  get #isBroken(): boolean {
    return this.world.problems.length > 0
  }

  #allReady(): boolean {
    return this.#crew.running.every(({ units }) => units.every((unit) => unit.readiness().ready))
  }

  /** A client asks one unit after the other until it is told something that is certain. */
  async #ask(step: AskStep): Promise<void> {
    const { clock } = this.world
    const random = new SeededRandom(step.roll)
    const number = ++this.#asked
    const customer = `customer-${step.client}`
    const id = `order-${number}`
    const [space, name, input] = ((): [0 | 1, string, object] => {
      if (random.chance(0.12)) return [0, 'turn', { customer }]
      if (random.chance(0.2)) return [1, 'restock', { by: 1 + random.below(2) }]
      return [0, 'place', { id, customer }]
    })()
    this.#open++
    for (const number of step.units) {
      const running = this.#crew.slots[number % this.#crew.slots.length]?.running
      if (!running) continue
      const options = { idempotencyKey: `client ${id}` }
      const told = await new Promise<'done' | 'refused' | 'unknown'>((resolve) => {
        clock.after(step.patienceMs, () => resolve('unknown'))
        running.host.deliver(() =>
          running.units[space].execute(name, input, options).then(
            () => resolve('done'),
            (error) => resolve(error instanceof Rejection ? 'refused' : 'unknown'),
          ),
        )
      })
      this.world.trace.note(`client ${name} ${id}: ${told}`)
      if (told === 'done' && name === 'place') this.#acknowledged.add(id)
      if (told !== 'unknown') break
    }
    this.#open--
  }

  /** Nothing goes wrong any more: what has been promised is done, and nothing is left to do. */
  async #recover(): Promise<void> {
    const { world } = this
    makeWell(world, this.#crew)
    this.#bank.calm()
    const missing = () => this.#missing()
    if (!(await world.until(() => this.#isBroken || missing().length === 0, recoveryMsMax)))
      world.fail('liveness', missing().join('; '))
    this.#crew.inspect()
  }

  #missing(): string[] {
    this.#crew.startMissing()
    const missing: string[] = []
    if (this.#open > 0) missing.push(`${this.#open} requests are open`)
    for (const { name, running } of this.#crew.slots)
      for (const [log, unit] of running?.units.entries() ?? []) {
        const { ready, reason } = unit.readiness()
        if (!ready) missing.push(`${name} ${unit.space.name}: ${reason}`)
        const last = this.world.references[log]?.last ?? 0
        if (unit.position < last - 2)
          missing.push(`${name} ${unit.space.name} is at ${unit.position} of ${last}`)
      }
    const [shop] = this.world.references
    for (const entry of shop ? outboxOf(shop.state) : [])
      missing.push(`still to be done: ${JSON.stringify(entry)}`)
    return missing
  }
}
