import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { defineSimulation, type Simulation } from '../testing/simulation.ts'

/**
 * What a module exports to be simulated, under any name: simulations, and spaces that none of them is of.
 * @throws GridError `configuration_invalid` when it exports neither
 */
export async function loadSimulations(file: string): Promise<readonly Simulation[]> {
  const exported = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>
  const values = Object.values(exported).flat()
  const simulations = [...new Set(values.filter(isSimulation))]
  const known = new Set(simulations.map(({ space }) => space.name))
  const spaces = [...new Set(values.filter(isSpace))].filter(({ name }) => !known.has(name))
  const found = [...simulations, ...spaces.map((space) => defineSimulation(space))]
  if (found.length > 0) return found
  throw new GridError(
    'configuration_invalid',
    `${file} exports no space and no simulation: export default defineSpace(…)`,
  )
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** By their shape: they may be of another copy of the library. */
const isSpace = (value: unknown): value is Space =>
  isObject(value) &&
  typeof value.name === 'string' &&
  Array.isArray(value.caches) &&
  value.commands instanceof Map &&
  value.queries instanceof Map

const isSimulation = (value: unknown): value is Simulation =>
  isObject(value) && isSpace(value.space)
