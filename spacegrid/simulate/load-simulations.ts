import { GridError } from '@spacegrid/grid/core/errors'
import { importModule } from '../application/import-module.ts'
import { spacesOfModule } from '../application/spaces-of-module.ts'
import { defineSimulation, type Simulation } from '../testing/simulation.ts'
import { groupsOf, type SimulatedGroup } from './simulated-group.ts'

/**
 * What a module exports to be simulated, under any name: simulations, and spaces that none of them
 * is of; those together of which some react on others.
 * @throws GridError `configuration_invalid` when it exports neither
 */
export async function loadSimulations(file: string): Promise<readonly SimulatedGroup[]> {
  const exported = await importModule(file)
  const values = Object.values(exported).flat()
  const simulations = [...new Set(values.filter(isSimulation))]
  const known = new Set(simulations.map(({ space }) => space.name))
  const spaces = spacesOfModule(exported).filter(({ name }) => !known.has(name))
  const found = [...simulations, ...spaces.map((space) => defineSimulation(space))]
  if (found.length > 0) return groupsOf(found)
  throw new GridError(
    'configuration_invalid',
    `${file} exports no space and no simulation: export default defineSpace(…)`,
  )
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** By its shape: it may be of another copy of the library. */
const isSimulation = (value: unknown): value is Simulation =>
  isObject(value) && isObject(value.space) && spacesOfModule({ of: value.space }).length > 0
