import { GridError } from '@spacegrid/grid/core/errors'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import { logsWanted } from './backup-text.ts'
import { type Manifest, readManifest } from './manifest.ts'
import { momentOf, type RestorePoint, restorePoints } from './restore-point.ts'

/** @throws GridError `configuration_invalid`: there is none in the folder; `record_damaged` */
export function openManifest(folder: string): Manifest {
  const manifest = readManifest(folder)
  if (manifest) return manifest
  throw new GridError('configuration_invalid', `There is no backup in ${folder}`)
}

/**
 * What a backup has of spaces at a moment.
 * @throws GridError `position_out_of_reach`, `invalid_input`, and as `openManifest`
 */
export async function openedBackup(
  folder: string,
  spaces: readonly string[] | undefined,
  to: string | undefined,
  clock: Clock,
): Promise<RestorePoint[]> {
  const manifest = openManifest(folder)
  const wanted = logsWanted(manifest, spaces)
  if (wanted.length > 0) return await restorePoints(folder, manifest, wanted, momentOf(to), clock)
  throw new GridError(
    'unknown_space',
    `The backup in ${folder} has nothing of ${spaces?.join(' or ') ?? 'any space'}; it has ${logsWanted(manifest, undefined).join(', ') || 'nothing'}`,
  )
}
