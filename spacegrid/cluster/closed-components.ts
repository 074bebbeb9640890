import { join } from 'node:path'
import type { GridUser } from '@spacegrid/grid/drivers/nats/subject-table'
import { spareRole, unitRoles } from '@spacegrid/grid/engine/placement/member'
import { keyFiles } from '../keys/key-files.ts'
import { closedNatsUrl } from '../servers/nats-server.ts'

/** As whom each role of a cluster comes to NATS; all others under their own name. */
const users: Readonly<Record<string, GridUser>> = {
  'processing-unit': 'unit',
  [spareRole]: 'unit',
  [unitRoles.queries]: 'query-unit',
}
/** Those that speak to MongoDB and Redis. */
const ofStores = ['data-pump', 'data-writer', 'data-reader']

/**
 * What the components of a closed cluster are given, each for itself: the key of its own role, the
 * servers that it needs, and no others. Nothing of it is a secret: URLs name files.
 */
export class ClosedComponents {
  readonly #keys: string
  readonly #nats: string

  /** @param nats host and port */
  constructor(keys: string, nats: string) {
    this.#keys = keys
    this.#nats = nats
  }

  environmentOf(role: string): Readonly<Record<string, string>> {
    return {
      NATS_URL: closedNatsUrl(this.#keys, users[role] ?? role, this.#nats),
      ADMIN_TOKEN_FILE: join(this.#keys, keyFiles.adminToken),
      AUTH_KEYS_FILE: join(this.#keys, keyFiles.apiKeys),
      AUTH_PERMISSIONS_FILE: join(this.#keys, keyFiles.permissions),
      ...(role === 'console' ? { AUTH_TOKEN_FILE: join(this.#keys, keyFiles.apiKey) } : {}),
      // It alone may begin streams.
      STREAMS: role === 'data-pump' ? 'create' : 'await',
      ...(ofStores.includes(role) ? {} : { MONGODB_URL: '', REDIS_URL: '' }),
    }
  }
}
