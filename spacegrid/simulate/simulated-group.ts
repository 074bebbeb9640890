import { outboxCache } from '@spacegrid/grid/core/outbox'
import { commandsSent, type Process } from '@spacegrid/grid/core/process'
import { callName, type Simulation } from '../testing/simulation.ts'

/** What is simulated together: spaces that react on each other, or one by itself. */
export interface SimulatedGroup {
  /** Of its spaces. */
  readonly name: string
  /** With undivided spaces, and the reactions that can be simulated. */
  readonly simulations: readonly Simulation[]
  /** Into how many partitions the most divided space is divided, where it is not simulated. */
  readonly partitions: number
  /** Reactions and processes that are not simulated, and why. */
  readonly leftOut: readonly string[]
}

export const reacts = ({ simulations }: SimulatedGroup): boolean =>
  simulations.some(({ space }) => space.reactions)

/**
 * Each simulation with all that its reactions lead to, unless it is in another one's group.
 * A divided space is simulated as one partition: what its handlers do is the same.
 */
export function groupsOf(all: readonly Simulation[]): readonly SimulatedGroup[] {
  const byName = new Map(all.map((one) => [one.space.name, one]))
  const groups = all.map((one) => [...reached(one, byName)])
  const isWithin = (inner: readonly Simulation[], outer: readonly Simulation[]) =>
    inner.every((one) => outer.includes(one))
  return groups
    .filter((group, at) =>
      groups.every(
        (other, place) =>
          place === at || !isWithin(group, other) || (place > at && group.length === other.length),
      ),
    )
    .map((group) => groupOf(group, byName))
}

/** One simulation by itself. */
export const groupOfOne = (simulation: Simulation): SimulatedGroup =>
  groupOf([simulation], new Map([[simulation.space.name, simulation]]))

function groupOf(
  group: readonly Simulation[],
  known: ReadonlyMap<string, Simulation>,
): SimulatedGroup {
  return {
    name: group.map(({ space }) => space.name).join(' + '),
    partitions: Math.max(...group.map(({ space }) => space.partitions ?? 1)),
    leftOut: group.flatMap((one) =>
      reactionsOf(one).flatMap((process) => {
        const why = whyLeftOut(one, process, known)
        return why === undefined
          ? []
          : [`${process.kind} ${process.name} of ${one.space.name} is not simulated: ${why}`]
      }),
    ),
    simulations: group.map((one) => simulated(one, known)),
  }
}

const reactionsOf = ({ space }: Simulation): readonly Process[] => [
  ...(space.reactions?.values() ?? []),
]

function reached(
  start: Simulation,
  known: ReadonlyMap<string, Simulation>,
): ReadonlySet<Simulation> {
  const found = new Set([start])
  for (const one of found)
    for (const process of reactionsOf(one))
      if (whyLeftOut(one, process, known) === undefined)
        for (const { command } of commandsSent([process])) {
          const target = command.space === undefined ? one : known.get(command.space)
          // Of several simulations of one space it is the one that is being looked at.
          if (target && target.space.name !== start.space.name) found.add(target)
        }
  return found
}

function whyLeftOut(
  { space, calls = {} }: Simulation,
  process: Process,
  known: ReadonlyMap<string, Simulation>,
): string | undefined {
  for (const { command } of commandsSent([process])) {
    const target = command.space ?? space.name
    if (!known.get(target)?.space.commands.has(command.command.name))
      return `${target} with its command ${command.command.name} is not in the file`
  }
  const call = process.steps.find(
    ({ name, act }) => act.kind === 'call' && !calls[callName(process.name, name)],
  )
  return call && `nothing stands in for its call ${call.name} (calls of defineSimulation)`
}

function simulated(one: Simulation, known: ReadonlyMap<string, Simulation>): Simulation {
  const { reactions: _, ...space } = one.space
  const kept = reactionsOf(one).filter((process) => whyLeftOut(one, process, known) === undefined)
  if (kept.length === 0) return { ...one, space: { ...alone(one).space, partitions: 1 } }
  const reactions = new Map(kept.map((process) => [process.name, process]))
  return { ...one, space: { ...space, reactions, partitions: 1 } }
}

/** The same without what follows from its events. */
export function alone(one: Simulation): Simulation {
  const { reactions, ...space } = one.space
  const caches = space.caches.filter(({ name }) => !reactions || name !== outboxCache.name)
  return { ...one, space: { ...space, caches } }
}
