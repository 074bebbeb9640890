import { GridError } from '@spacegrid/grid/core/errors'
import { outboxCache } from '@spacegrid/grid/core/outbox'
import { importModule } from '../application/import-module.ts'
import { spacesOfModule } from '../application/spaces-of-module.ts'
import { defineSimulation, type Simulation } from '../testing/simulation.ts'

export interface LoadedSimulation extends Simulation {
  /** Into how many partitions the space is divided, where it is not simulated. */
  readonly partitions: number
}

/**
 * What a module exports to be simulated, under any name: simulations, and spaces that none of them
 * is of. A divided space is simulated as one partition: what its handlers do is the same. Nothing
 * follows from events: the commands that would are given as all others are.
 * @throws GridError `configuration_invalid` when it exports neither
 */
export async function loadSimulations(file: string): Promise<readonly LoadedSimulation[]> {
  const exported = await importModule(file)
  const values = Object.values(exported).flat()
  const simulations = [...new Set(values.filter(isSimulation))]
  const known = new Set(simulations.map(({ space }) => space.name))
  const spaces = spacesOfModule(exported).filter(({ name }) => !known.has(name))
  const found = [...simulations, ...spaces.map((space) => defineSimulation(space))]
  if (found.length > 0) return found.map(byItself)
  throw new GridError(
    'configuration_invalid',
    `${file} exports no space and no simulation: export default defineSpace(…)`,
  )
}

const byItself = (simulation: Simulation): LoadedSimulation => {
  const { reactions, ...space } = simulation.space
  const { partitions = 1 } = space
  const caches = space.caches.filter(({ name }) => !reactions || name !== outboxCache.name)
  return { ...simulation, partitions, space: { ...space, caches, partitions: 1 } }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** By its shape: it may be of another copy of the library. */
const isSimulation = (value: unknown): value is Simulation =>
  isObject(value) && isObject(value.space) && spacesOfModule({ of: value.space }).length > 0
