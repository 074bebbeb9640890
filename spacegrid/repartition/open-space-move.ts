import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { GridError } from '@spacegrid/grid/core/errors'
import type { Environment } from '@spacegrid/grid/program/environment'
import { findGrid } from '../audit/audit-targets.ts'
import { findServers } from '../recover/recovery-grid.ts'
import { EmbeddedSpaceMove } from './embedded-space-move.ts'
import { ServersMove } from './servers-move.ts'
import type { SpaceMove } from './space-move.ts'

/**
 * By the environment; else the servers of this data folder that run; else the embedded grid that is
 * kept there.
 * @throws GridError `configuration_invalid`, `log_unavailable`
 */
export async function openSpaceMove(space: string, environment: Environment): Promise<SpaceMove> {
  const address = (await findGrid(environment)) ?? (await findServers(environment))
  const { nats, mongodb, redis } = address ?? {}
  const { DATA_DIR: folder } = environment
  if (nats !== undefined && mongodb !== undefined)
    return await ServersMove.open(space, { nats, mongodb, redis }, environment)
  if (!address && existsSync(join(folder, 'store.mdb'))) return new EmbeddedSpaceMove(space, folder)
  throw new GridError(
    'configuration_invalid',
    `There is no grid whose spaces could be moved: set NATS_URL and MONGODB_URL, or DATA_DIR to the folder of an embedded grid, or of a cluster whose servers run (now: ${folder}; npx spacegrid servers up)`,
  )
}
