import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '@spacegrid/grid/program/environment'
import { keyFiles } from './key-files.ts'

/**
 * What the processes of a grid want to be shown on their administration ports: `ADMIN_TOKEN`, or
 * that of the closed grid whose keys are in the data directory. undefined: neither is there.
 */
export function knownToken({ ADMIN_TOKEN, DATA_DIR }: Environment): string | undefined {
  if (ADMIN_TOKEN !== undefined) return ADMIN_TOKEN
  try {
    return readFileSync(join(DATA_DIR, 'keys', keyFiles.adminToken), 'utf8').trim()
  } catch {
    // There is none, or it is somebody else's: whoever is asked says that it wants one.
    return undefined
  }
}
