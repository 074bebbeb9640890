import { relative } from 'node:path'
import { GridError } from '@spacegrid/grid/core/errors'
import { importModule } from '../../application/import-module.ts'
import type { ScenarioDefinition } from './scenario.ts'

/**
 * The scenario that a module exports by default.
 * @throws GridError `configuration_invalid`, which says what to do
 */
export async function loadScenario(file: string): Promise<ScenarioDefinition> {
  const exported = await importModule(file)
  const { space, start } = Object(exported.default) as Partial<ScenarioDefinition>
  if (typeof space === 'string' && typeof start === 'function') return { space, start }
  throw new GridError(
    'configuration_invalid',
    `${relative('', file)} exports no scenario: export default defineScenario('my-space', (run) => ({ journeys: { … } }))`,
  )
}
