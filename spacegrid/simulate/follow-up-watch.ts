import { type OutboxEntry, outboxCache } from '@spacegrid/grid/core/outbox'
import type { Process } from '@spacegrid/grid/core/process'
import { StepKind } from '@spacegrid/grid/core/steps'
import type { Reference } from '@spacegrid/proof/simulator/check/reference'
import type { DividedWorld } from '@spacegrid/proof/simulator/divided/world'
import { reactionKeyPrefix } from '@spacegrid/runtime/idempotency'
import type { FindingRule, Simulation } from '../testing/simulation.ts'
import { jsonOf, shortened } from './tape.ts'

/** More than any chain of events that ends. */
const actsMax = 400

type Place = readonly [position: number, number: number, nth: number]

interface Waiting {
  readonly space: number
  readonly process: Process
  readonly entry: OutboxEntry
  readonly place: Place
}

/**
 * Looks at what follows from events, as the logs have it: for the application's mistakes, and
 * whether everything is done once and in order, as the grid promises.
 */
export class FollowUpWatch {
  readonly #world: DividedWorld
  readonly #simulations: readonly Simulation[]
  readonly #find: (space: number, process: Process, rule: FindingRule, what: string) => void
  /** Steps and compensations of entries of outboxes. */
  readonly #done = new Set<string>()
  /** Of each log: how many of its decisions have been looked at. */
  readonly #seen: number[] = []

  constructor(
    world: DividedWorld,
    simulations: readonly Simulation[],
    find: (space: number, process: Process, rule: FindingRule, what: string) => void,
  ) {
    this.#world = world
    this.#simulations = simulations
    this.#find = find
  }

  /** A log has gone on. */
  logged(space: number): void {
    const { decisions } = this.#world.references[space] as Reference
    for (const { transaction, evaluation } of decisions.slice(this.#seen[space] ?? 0)) {
      if (evaluation.outcome !== 'applied') continue
      for (const step of transaction.steps)
        if (step.kind === StepKind.remember && step.key.startsWith(reactionKeyPrefix))
          this.#acted(step.key)
    }
    this.#seen[space] = decisions.length
    for (const waiting of this.#waiting(space)) this.#look(waiting)
  }

  /** What has still to be done, but for dead letters and what waits behind them. */
  missing(): readonly string[] {
    const waiting = this.#simulations.flatMap((_, space) => this.#waiting(space))
    const stuck = new Set(
      waiting.flatMap(({ entry, process }) =>
        entry.dead !== undefined && process.behindDead === 'wait' ? [process] : [],
      ),
    )
    return waiting
      .filter(({ entry, process }) => entry.dead === undefined && !stuck.has(process))
      .map(({ entry }) => `still to be done: ${JSON.stringify(entry)}`)
  }

  #waiting(space: number): readonly Waiting[] {
    const { state } = this.#world.references[space] as Reference
    const reactions = this.#simulations[space]?.space.reactions
    const layout = state.layout.named(outboxCache.name)
    if (!reactions || !layout) return []
    return [...state.cache(layout.number).entries.values()].flatMap(({ value, position }) => {
      const entry = value as OutboxEntry
      const process = reactions.get(entry.reaction)
      const { first = position, number, nth } = entry
      return process ? [{ space, process, entry, place: [first, number, nth] as const }] : []
    })
  }

  #look({ space, process, entry }: Waiting): void {
    const { failure, dead, fault = '', results = {} } = entry
    const event = `${entry.event} ${shortened(jsonOf(entry.payload))}`
    if (failure) {
      const left = process.steps.find(({ name, undo }) => name in results && !undo)
      if (left)
        this.#find(
          space,
          process,
          'not compensated',
          `${left.name} is done, and has no undo, when ${failure.step} fails (${failure.reason}); ${event}`,
        )
    }
    if (dead !== undefined)
      this.#find(space, process, 'dead letter', `it waits for people (${fault}); ${event}`)
  }

  /** Something was done, or its refusal remembered, under a key of a reaction. */
  #acted(key: string): void {
    const [id] = key.slice(reactionKeyPrefix.length).split(':')
    const all = this.#simulations.flatMap((_, space) => this.#waiting(space))
    const own = all.find(({ entry }) => entry.id === id)
    // Whoever has done the same before has written it down already.
    if (!own) return
    const stage = stageOf(own.entry)
    if (this.#done.has(stage))
      this.#world.fail('reaction twice', `${own.process.name}: ${stage}, under ${key}`)
    this.#done.add(stage)
    this.#world.coverage.count(`${own.process.kind} ${own.process.name}: steps`)
    if (this.#done.size === actsMax)
      this.#find(
        own.space,
        own.process,
        'never settles',
        `${actsMax} commands have followed from events, and there is no end of it`,
      )
    this.#checkOrder(own, all)
  }

  #checkOrder({ process, entry, place }: Waiting, all: readonly Waiting[]): void {
    const keyOf = process.key as ((event: unknown) => unknown) | undefined
    if (!keyOf) return
    const key = String(keyOf(entry.payload))
    const earlier = all.find(
      (other) =>
        other.process === process &&
        String(keyOf(other.entry.payload)) === key &&
        (other.entry.dead === undefined || process.behindDead === 'wait') &&
        isBefore(other.place, place),
    )
    if (earlier)
      this.#world.fail(
        'reaction order',
        `${process.name} of ${key}: ${entry.id} was done before ${earlier.entry.id}`,
      )
  }
}

/** Where it stands: what it says is done once there, whatever the key that it is done under. */
const stageOf = ({ id, step = '', undo, round = 0 }: OutboxEntry): string =>
  `${id} at ${undo ? `undo of ${undo[0]}` : step}, try ${round}`

function isBefore(one: Place, other: Place): boolean {
  const at = one.findIndex((value, place) => value !== other[place])
  return at >= 0 && (one[at] as number) < (other[at] as number)
}
