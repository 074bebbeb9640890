import { chmodSync, chownSync, copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '@spacegrid/grid/drivers/system/make-folder'
import { keyFiles } from './key-files.ts'

/** What one process is to see of the keys, and as which user its image runs. */
interface Share {
  readonly files: readonly string[]
  readonly owner: number
}

/** Of the images of the compose file. */
const users = { root: 0, node: 1000, mongodb: 999, redis: 999 } as const

const roleOf = (name: string, ...more: readonly string[]): Share => ({
  files: [keyFiles.nkey(name), keyFiles.adminToken, ...more],
  owner: users.node,
})

const stores = [keyFiles.mongodbPassword, keyFiles.redisPassword]

/** By the names of the services in the compose file. */
const shares: Readonly<Record<string, Share>> = {
  'processing-unit': roleOf('unit'),
  'query-unit': roleOf('query-unit'),
  'data-pump': roleOf('data-pump', ...stores),
  'data-writer': roleOf('data-writer', ...stores),
  'data-reader': roleOf('data-reader', ...stores),
  'waiting-room': roleOf('waiting-room'),
  'deployment-manager': roleOf('deployment-manager'),
  console: roleOf('console'),
  nats: { files: [keyFiles.natsUsers, keyFiles.certificate('nats')], owner: users.root },
  mongodb: {
    files: [keyFiles.certificate('mongodb'), keyFiles.mongodbSet, keyFiles.mongodbPassword],
    owner: users.mongodb,
  },
  redis: {
    files: [keyFiles.certificate('redis'), keyFiles.redisUsers, keyFiles.redisPassword],
    owner: users.redis,
  },
}

export const sharedWith: readonly string[] = Object.keys(shares)

/**
 * Puts into a folder for each service what that one needs, and nothing else; owned by its user, if
 * that can be.
 * @param keys the folder of all keys
 * @param folder under which there is one for each service
 */
export function shareKeys(keys: string, folder: string): void {
  for (const [service, { files, owner }] of Object.entries(shares)) {
    const own = join(folder, service)
    makeFolder(own)
    chmodSync(own, 0o700)
    const give = (path: string, mode: number) => {
      chmodSync(path, mode)
      if (process.getuid?.() === 0) chownSync(path, owner, owner)
    }
    for (const file of [...files, keyFiles.authority]) {
      const copy = join(own, file)
      rmSync(copy, { force: true })
      copyFileSync(join(keys, file), copy)
      give(copy, 0o400)
    }
    give(own, 0o500)
  }
}
