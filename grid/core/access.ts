/**
 * Who may do what is declared, where callers are asked who they are (docs/security.md): `public`,
 * everybody, without saying who; `identified`, whoever has shown a token or a key; or those who
 * have one of the roles. Left out: nobody but whom configuration names.
 */
export type Access = 'public' | 'identified' | readonly string[]

/** Who may do what belongs to a space as a whole. */
export interface SpaceAccess {
  /** Follow its domain events, those that are readable. */
  readonly events?: Access
  /** Ask how things were: besides being allowed to ask how they are. */
  readonly past?: Access
  /** Correct entries, look into caches, and see to the outbox. */
  readonly admin?: Access
}

/** What handlers and rules see of who asks. */
export interface CallerIdentity {
  /** As the token (`AUTH_NAME_CLAIM`) or the file of keys has it. */
  readonly name: string
  /** How the caller has said who it is. */
  readonly kind: 'token' | 'key'
  readonly roles: readonly string[]
  /** Those claims of the token that `AUTH_CLAIMS` names. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** What a handler is given beside its transaction and its input. */
export interface CommandContext {
  /**
   * Who asks. undefined: nobody has said, or nobody asks: a reaction, or a call inside the process.
   */
  readonly caller: CallerIdentity | undefined
}

export const noContext: CommandContext = Object.freeze({ caller: undefined })

/** The kinds of things that a permission is for. */
export const permissionKinds = [
  'command',
  'query',
  'cache',
  'changes',
  'events',
  'archive',
  'past',
  'admin',
] as const

export type PermissionKind = (typeof permissionKinds)[number]

/** `ticketing:command:holdSeats`. */
export type PermissionName = string

export const permissionName = (space: string, kind: PermissionKind, name: string): PermissionName =>
  `${space}:${kind}:${name}`

/** What there is to be asked: the documentation, and which names are known. */
export const documentsPermission: PermissionName = 'grid:docs:read'

const patternSyntax =
  /^(?:\*|[A-Za-z][\w-]*)(?::(?:\*|[A-Za-z][\w-]*)(?::(?:\*|[A-Za-z][\w.-]*))?)?$/

/** Whether it can be granted: a permission, with `*` for any of its parts or all from there on. */
export const isPermissionPattern = (text: string): boolean => patternSyntax.test(text)

/**
 * Whether a pattern grants a permission: part by part, `*` stands for any; parts left out at the
 * end are any.
 */
export function grants(pattern: string, permission: PermissionName): boolean {
  const parts = permission.split(':')
  return pattern.split(':').every((part, at) => part === '*' || part === parts[at])
}

const rolePattern = /^[A-Za-z][A-Za-z0-9._:/-]{0,127}$/

/** Whether a role may be called so; `public` and `identified` are everybody's. */
export const isRoleName = (name: string): boolean =>
  rolePattern.test(name) && name !== 'public' && name !== 'identified'

/**
 * @param what is declared, for the message
 * @throws TypeError for what is no `Access`
 */
export function checkedAccess(what: string, access: Access | undefined): Access | undefined {
  if (access === undefined || access === 'public' || access === 'identified') return access
  if (!Array.isArray(access) || access.length === 0)
    throw new TypeError(
      `${what}: access must be 'public', 'identified' or a list of roles that is not empty`,
    )
  for (const role of access as readonly unknown[])
    if (typeof role !== 'string' || !isRoleName(role))
      throw new TypeError(`${what}: access names ${JSON.stringify(role)}, which is no role's name`)
  return Object.freeze([...new Set(access)])
}

/** @throws TypeError for what is no `SpaceAccess` */
export function checkedSpaceAccess(
  space: string,
  access: SpaceAccess | undefined,
): SpaceAccess | undefined {
  if (access === undefined) return undefined
  const checked: { -readonly [Part in keyof SpaceAccess]: SpaceAccess[Part] } = {}
  for (const [part, declared] of Object.entries(access)) {
    if (part !== 'events' && part !== 'past' && part !== 'admin')
      throw new TypeError(`space ${space}: access knows events, past and admin, not ${part}`)
    const one = checkedAccess(`space ${space}: ${part}`, declared)
    if (one !== undefined) checked[part] = one
  }
  return checked
}

interface Declares {
  readonly access?: Access | undefined
}

/** What of a space is looked at here. */
export interface AccessDeclaring {
  readonly name: string
  readonly caches: readonly (Declares & { readonly name: string })[]
  readonly commands: ReadonlyMap<string, Declares>
  readonly queries: ReadonlyMap<string, Declares>
  readonly access?: SpaceAccess | undefined
}

/** Who a space says may have one of its permissions; undefined: it does not say. */
export function declaredAccess(
  space: AccessDeclaring,
  permission: PermissionName,
): Access | undefined {
  const [name, kind, of = ''] = permission.split(':') as [string, PermissionKind, string?]
  if (name !== space.name) return undefined
  switch (kind) {
    case 'command':
      return space.commands.get(of)?.access
    case 'query':
      return space.queries.get(of)?.access
    case 'cache':
    case 'changes':
    case 'archive':
      return space.caches.find((cache) => cache.name === of)?.access
    case 'events':
    case 'past':
    case 'admin':
      return space.access?.[kind]
  }
}
