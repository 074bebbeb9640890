import { existsSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { importModule } from './import-module.ts'
import { spacesOfModule } from './spaces-of-module.ts'

/**
 * What somebody has written on the grid: the files named on a command line, and the spaces they
 * hold.
 */
export interface Application {
  /** Absolute. */
  readonly files: readonly string[]
  readonly spaces: readonly Space[]
}

/** Where a project has its space, unless its commands say otherwise. */
const customary = ['space.ts', 'space.js', 'space.mts', 'space.mjs'] as const

/**
 * Imports the files and collects their spaces: what each exports by default, a space or a list of
 * them, and what it exports by name. Without a file: the customary one of the folder.
 * @param from where relative files are looked for, and what files are named relative to
 * @throws GridError `configuration_invalid`, which says what to do
 */
export async function loadApplication(
  named: readonly string[],
  from: string = process.cwd(),
): Promise<Application> {
  const files = filesOf(named, from)
  const found: { readonly space: Space; readonly file: string }[] = []
  for (const file of files)
    for (const space of await importSpaces(file, from)) {
      const shown = relative(from, file)
      const other = found.find((one) => one.space.name === space.name)
      if (other?.space === space) continue
      if (other)
        throw new GridError(
          'configuration_invalid',
          `${other.file === shown ? shown : `${other.file} and ${shown}`} have two spaces that are called ${space.name}: each needs a name of its own`,
        )
      found.push({ space, file: shown })
    }
  return { files, spaces: found.map(({ space }) => space) }
}

function filesOf(named: readonly string[], from: string): string[] {
  const files = [...new Set(named.map((file) => resolve(from, file)))]
  for (const file of files) {
    const shown = relative(from, file) || file
    const stats = statSync(file, { throwIfNoEntry: false })
    if (stats === undefined)
      throw new GridError('configuration_invalid', `There is no file ${shown} (in ${from})`)
    if (stats.isDirectory())
      throw new GridError(
        'configuration_invalid',
        `${shown} is a folder: name the file that exports the space, such as ${relative(from, resolve(file, 'space.ts'))}`,
      )
  }
  if (files.length > 0) return files
  const own = customary.map((name) => resolve(from, name)).find((file) => existsSync(file))
  if (own !== undefined) return [own]
  throw new GridError(
    'configuration_invalid',
    `Name the file that exports your space, such as ./space.ts (there is none in ${from}); npx spacegrid init NAME makes a project`,
  )
}

async function importSpaces(file: string, from: string): Promise<Space[]> {
  const exported = await importModule(file, from)
  const spaces = spacesOfModule(exported)
  if (spaces.length > 0) return spaces
  const names = Object.keys(exported)
  throw new GridError(
    'configuration_invalid',
    `${relative(from, file)} exports no space (it exports ${names.length === 0 ? 'nothing' : names.join(', ')}): export default defineSpace(…)`,
  )
}
