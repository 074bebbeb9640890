import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { GridError } from '@spacegrid/grid/core/errors'
import { importFault } from './import-fault.ts'

/**
 * What the module exports that somebody has named.
 * @param from where a relative file is looked for, and what it is named relative to
 * @throws GridError `configuration_invalid`, which says what to do
 */
export async function importModule(
  named: string,
  from: string = process.cwd(),
): Promise<Readonly<Record<string, unknown>>> {
  const file = resolve(from, named)
  if (!existsSync(file))
    throw new GridError('configuration_invalid', `There is no file ${named} (in ${from})`)
  return await import(pathToFileURL(file).href).catch((error: unknown) => {
    throw importFault(file, error, from)
  })
}
