import {
  type AccessDeclaring,
  type CallerIdentity,
  declaredAccess,
  grants,
  type PermissionName,
} from '@spacegrid/grid/core/access'

/** Which patterns of permissions a role has, by its name; also of `public` and `identified`. */
export type ConfiguredRoles = ReadonlyMap<string, readonly string[]>

/** Whoever holds a permission. */
export interface Holders {
  /** Everybody, whoever that is. */
  readonly isPublic: boolean
  /** Whoever has shown a token or a key. */
  readonly isIdentified: boolean
  readonly roles: ReadonlySet<string>
}

/** Permissions whose holders are kept: names that callers make up are not among them for long. */
const keptMax = 10_000

/**
 * Who may what: as spaces declare it, and as configuration has it. What that says of a role is all
 * that the role may; of roles that it does not name holds what spaces declare. Nobody else may
 * anything.
 */
export class Permissions {
  readonly #spaces: ReadonlyMap<string, AccessDeclaring>
  readonly #configured: ConfiguredRoles
  readonly #kept = new Map<PermissionName, Holders>()

  constructor(spaces: readonly AccessDeclaring[], configured: ConfiguredRoles = new Map()) {
    this.#spaces = new Map(spaces.map((space) => [space.name, space]))
    this.#configured = configured
  }

  holders(permission: PermissionName): Holders {
    const kept = this.#kept.get(permission)
    if (kept) return kept
    const holders = this.#find(permission)
    if (this.#kept.size < keptMax) this.#kept.set(permission, holders)
    return holders
  }

  #find(permission: PermissionName): Holders {
    const roles = new Set<string>()
    const space = this.#spaces.get(permission.slice(0, permission.indexOf(':')))
    const declared = space && declaredAccess(space, permission)
    for (const role of typeof declared === 'string' ? [declared] : (declared ?? []))
      if (!this.#configured.has(role)) roles.add(role)
    for (const [role, patterns] of this.#configured)
      if (patterns.some((pattern) => grants(pattern, permission))) roles.add(role)
    return { isPublic: roles.has('public'), isIdentified: roles.has('identified'), roles }
  }
}

/** @param identity undefined: nobody has said who asks */
export function holds(
  { isPublic, isIdentified, roles }: Holders,
  identity: CallerIdentity | undefined,
): boolean {
  if (isPublic) return true
  if (!identity) return false
  return isIdentified || identity.roles.some((role) => roles.has(role))
}
