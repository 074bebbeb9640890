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

/** What stands behind a query: who asks, or that nobody has said; undefined: nobody is asked. */
export type AskedBy = CallerIdentity | null | undefined

interface Ruled {
  // biome-ignore lint/suspicious/noExplicitAny: rules of caches of all values
  readonly visible?: ((entry: any, caller: CallerIdentity | undefined) => boolean) | undefined
}

/**
 * Whether an entry is for whoever asks. Where nobody is asked who they are, everything is for
 * everybody; a rule that fails hides what it was asked about.
 */
export function sees({ visible }: Ruled, entry: unknown, by: AskedBy): boolean {
  if (visible === undefined || by === undefined) return true
  try {
    return visible(entry, by ?? undefined) === true
  } catch {
    // Whoever is in doubt sees nothing.
    return false
  }
}

/** What a query that answers each caller for itself is given beside its reader and its input. */
export interface QueryContext {
  /** Who asks; undefined: nobody has said, or nobody is asked. */
  readonly caller: CallerIdentity | undefined
  /** Whether an entry is for whoever asks, by the rule of its cache (`visible`). */
  sees(cache: Ruled & { readonly name: string }, entry: object): boolean
}

/**
 * Where in its input a query that answers each caller for itself finds who asks: so what is kept,
 * shared or passed on by its input is so by its caller, too. No schema has it, and doors write it
 * anew.
 */
const callerField = '$caller'

interface Asked {
  readonly name: string
  readonly perCaller?: boolean | undefined
}

const isObject = (it: unknown): it is Readonly<Record<string, unknown>> =>
  typeof it === 'object' && it !== null && !Array.isArray(it)

/** What a query is asked with, on behalf of whoever asks; whatever came in that place is gone. */
export function askedWith(query: Asked, input: unknown, by: AskedBy): unknown {
  if (!query.perCaller || !isObject(input)) return input
  const { [callerField]: _, ...own } = input
  if (by === undefined) return own
  const { name, kind, roles, claims } = by ?? {}
  return { ...own, [callerField]: by && { name, kind, roles, claims } }
}

/** The input as its caller has sent it. */
export function ownInput(query: Asked, input: unknown): unknown {
  if (!query.perCaller || !isObject(input)) return input
  const { [callerField]: _, ...own } = input
  return own
}

/** For a query that answers all alike. */
export const sameForAll: QueryContext = {
  get caller(): never {
    throw new TypeError('a query that looks at who asks must say so: perCaller: true')
  },
  sees: () => {
    throw new TypeError('a query that looks at who asks must say so: perCaller: true')
  },
}

/** What the handler of a query is given besides. */
export function queryContext(query: Asked, input: unknown): QueryContext {
  if (!query.perCaller) return sameForAll
  const by = isObject(input) ? (input[callerField] as AskedBy) : undefined
  return { caller: by ?? undefined, sees: (cache, entry) => sees(cache, entry, by) }
}

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
