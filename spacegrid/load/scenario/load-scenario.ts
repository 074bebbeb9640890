import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { GridError } from '@spacegrid/grid/core/errors'
import { importFault } from '../../application/import-fault.ts'
import type { ScenarioDefinition } from './scenario.ts'

/**
 * The scenario that a module exports by default.
 * @throws GridError `configuration_invalid`, which says what to do
 */
export async function loadScenario(
  named: string,
  from: string = process.cwd(),
): Promise<ScenarioDefinition> {
  const file = resolve(from, named)
  if (!existsSync(file))
    throw new GridError('configuration_invalid', `There is no file ${named} (in ${from})`)
  const exported = await import(pathToFileURL(file).href).catch((error) => {
    throw importFault(file, error, from)
  })
  const { space, start } = Object(exported.default) as Partial<ScenarioDefinition>
  if (typeof space === 'string' && typeof start === 'function') return { space, start }
  throw new GridError(
    'configuration_invalid',
    `${relative(from, file)} exports no scenario: export default defineScenario('my-space', (run) => ({ journeys: { … } }))`,
  )
}
