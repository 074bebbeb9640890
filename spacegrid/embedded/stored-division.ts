import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { logNameOf } from '@spacegrid/grid/core/log-name'
import { partitionsText } from '@spacegrid/grid/core/repartition'
import type { EmbeddedStore } from '@spacegrid/grid/drivers/embedded/embedded-store'

/**
 * Logs have names by the number of partitions: with another one units would begin anew, beside what
 * there is.
 * @throws GridError `configuration_invalid`
 */
export function checkStoredDivision(
  { name, partitions = 1 }: Space,
  store: EmbeddedStore,
  folder: string,
): void {
  const stored = store.partitionsOf(name)
  if (stored === partitions) return
  // Whoever is killed at once may have left a log of which nothing is stored yet.
  const other = partitions === 1 ? logNameOf(name, 0) : name
  if (stored === undefined && !existsSync(join(folder, `${other}-log.mdb`))) return
  const has = stored === undefined ? 'another number of partitions' : partitionsText(stored)
  throw new GridError(
    'configuration_invalid',
    `${name} has ${has} in ${folder}, its definition says ${partitions}: npx spacegrid repartition --partitions ${partitions} --yes moves it; or set partitions as it was`,
    { details: { space: name, stored: stored ?? null, partitions } },
  )
}
