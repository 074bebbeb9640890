import {
  type ClosedGrid,
  type NatsPermissions,
  permissionsOf,
} from '@spacegrid/grid/drivers/nats/role-permissions'
import type { GridUser } from '@spacegrid/grid/drivers/nats/subject-table'

/** One who may connect to the NATS of a closed grid. */
export interface NatsKey {
  /** As its file is called: a role, or a caller's own name. */
  readonly name: string
  readonly user: GridUser
  /** Of its nkey. The seed is its own. */
  readonly publicKey: string
}

/**
 * Who may connect to NATS and what each may do, in the server's own format (of which JSON is a
 * form). There is no secret in it: the server knows public keys only.
 */
export function natsUsers(keys: readonly NatsKey[], grid: ClosedGrid): string {
  const inboxes = (user: GridUser) =>
    keys.filter((key) => key.user === user).map(({ publicKey }) => publicKey)
  const users = keys.map(({ name, user, publicKey }) => {
    const permissions = permissionsOf(user, publicKey, inboxes, grid)
    return `    # ${name}\n    ${JSON.stringify({ nkey: publicKey, permissions: inFormat(permissions) })}`
  })
  return `# Who may do what in NATS. Made by npx spacegrid keys, which makes it anew: what is changed here is lost.
authorization {
  timeout: 5
  users: [
${users.join('\n')}
  ]
}
`
}

const inFormat = ({ publish, subscribe }: NatsPermissions) => ({
  // Nothing allowed would mean that everything is.
  publish: publish.length === 0 ? { deny: ['>'] } : { allow: publish },
  subscribe: { allow: subscribe },
})
