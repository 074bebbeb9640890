import type { ApplicationFault } from '@spacegrid/grid/core/application-fault'
import { commandsSent, type Process } from '@spacegrid/grid/core/process'
import type { Host } from '@spacegrid/grid/kit/host'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { AskStep } from '@spacegrid/proof/simulator/divided/plan'
import type { DividedWorld } from '@spacegrid/proof/simulator/divided/world'
import type {
  ReactingApplication,
  ReactingAsk,
  ToldOrRead,
} from '@spacegrid/proof/simulator/reacting/application'
import { OutsideService } from '@spacegrid/proof/simulator/reacting/outside-service'
import {
  Memory,
  type RunContext,
  type Workload,
} from '@spacegrid/proof/simulator/workloads/workload'
import type { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import type { Simulation } from '../testing/simulation.ts'
import { FollowUpWatch } from './follow-up-watch.ts'
import type { SpaceWatch } from './space-watch.ts'
import { workloadOf } from './space-workload.ts'
import { StandInCalls } from './stand-in-calls.ts'

/** A user's spaces with everything that follows from their events, for one run. */
export class ReactingSpaces implements ReactingApplication {
  readonly setup: readonly ReactingAsk[]
  /** What was asked for, one line each. */
  readonly asked: string[] = []
  readonly #world: DividedWorld
  readonly #simulations: readonly Simulation[]
  readonly #workloads: readonly (Workload & { readonly watch: SpaceWatch })[]
  readonly #spaces: readonly (Simulation['space'] & object)[]
  readonly #calls: readonly StandInCalls[]
  readonly #followUps: FollowUpWatch
  /** Spaces that people ask for commands, by their logs. */
  readonly #asked: readonly number[]
  readonly #memory = new Memory()
  readonly #startedAt: number

  constructor(world: DividedWorld, simulations: readonly Simulation[]) {
    this.#world = world
    this.#simulations = simulations
    this.#startedAt = world.clock.now()
    const sent = sentBy(simulations)
    this.#workloads = simulations.map((one, log) => {
      const { name, commands } = one.space
      const own = [...commands.keys()].filter((command) => sent.has(`${name} ${command}`))
      const weights = { ...Object.fromEntries(own.map((command) => [command, 0])), ...one.weights }
      return workloadOf({ ...one, weights }, this.#contextOf(log))
    })
    this.#spaces = this.#workloads.map(({ watch, space }) => watch.watched(space))
    const asked = simulations.flatMap(({ space, weights = {} }, log) =>
      [...space.commands.keys()].some(
        (name) => (weights[name] ?? (sent.has(`${space.name} ${name}`) ? 0 : 1)) > 0,
      )
        ? [log]
        : [],
    )
    this.#asked = asked.length > 0 ? asked : [0]
    const service = new OutsideService(world.clock, world.random())
    this.#calls = simulations.map((one) => new StandInCalls(service, one))
    this.#followUps = new FollowUpWatch(world, simulations, (log, process, rule, what) =>
      this.#workloads[log]?.watch.followed(process, rule, what),
    )
    this.setup = this.#workloads.flatMap(({ setup }, space) =>
      setup.map((ask) => ({ space, ...ask })),
    )
    world.coverage.count(simulatedTogether)
  }

  spaces(host: Host) {
    return this.#spaces.map((space, log) => {
      const { reactions } = space
      const calls = this.#calls[log] as StandInCalls
      const led = (process: Process) => calls.of(process, host)
      return reactions
        ? { ...space, reactions: new Map([...reactions].map(([name, it]) => [name, led(it)])) }
        : space
    })
  }

  next({ roll }: AskStep): ReactingAsk {
    const random = new SeededRandom(roll)
    const space = this.#asked[random.below(this.#asked.length)] as number
    const { next } = this.#workloads[space] as Workload
    const ask = next(random, this.#memory, this.#world.clock.now())
    const atMs = Math.round(this.#world.clock.now() - this.#startedAt)
    const where = this.#simulations.length > 1 ? `${this.#simulations[space]?.space.name} ` : ''
    this.asked.push(`${atMs} ms  ${where}${ask.kind} ${ask.name} ${JSON.stringify(ask.input)}`)
    return { space, ...ask }
  }

  heard({ space, name }: ReactingAsk, told: ToldOrRead): void {
    this.#watch(space).heard(name, told)
  }

  faulty(space: number, fault: ApplicationFault): void {
    this.#watch(space).faulty(fault)
  }

  logged(space: number): void {
    this.#followUps.logged(space)
  }

  async inspect(space: number, unit: ProcessingUnit, name: string, isEnd: boolean): Promise<void> {
    await this.#watch(space).inspect(unit, name, isEnd)
  }

  calm(): void {
    for (const calls of this.#calls) calls.calm()
  }

  missing(): readonly string[] {
    return this.#followUps.missing()
  }

  judge(): readonly string[] {
    for (const { watch } of this.#workloads) watch.ended()
    return []
  }

  close(): void {
    for (const { watch } of this.#workloads) watch.close()
  }

  #watch(space: number): SpaceWatch {
    return (this.#workloads[space] as { readonly watch: SpaceWatch }).watch
  }

  #contextOf(log: number): RunContext {
    const world = this.#world
    return {
      seed: world.seed + log,
      now: () => world.clock.now(),
      entryCount: (cache) => {
        const { state } = world.references[log] as { state: DividedWorld['references'][0]['state'] }
        const layout = state.layout.named(cache)
        return layout ? state.cache(layout.number).entries.size : 0
      },
      fail: (rule, what) => world.fail(rule, what),
      count: (what) => world.coverage.count(what),
    }
  }
}

/** Counted in each run of several spaces, or of one with what follows from its events. */
export const simulatedTogether = 'simulated with what follows from events'

/** Commands that reactions send, each behind the name of its space: theirs, and nobody else's. */
const sentBy = (simulations: readonly Simulation[]): ReadonlySet<string> =>
  new Set(
    simulations.flatMap(({ space }) =>
      [...commandsSent(space.reactions?.values() ?? [])].map(
        ({ command }) => `${command.space ?? space.name} ${command.command.name}`,
      ),
    ),
  )
