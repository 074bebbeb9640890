import type { PermissionName } from '@spacegrid/grid/core/access'
import { codeOf, GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { Caller, Identity, Origin } from '../caller.ts'
import type { AuditTrail } from './audit-trail.ts'
import { type Holders, holds, type Permissions } from './permissions.ts'

/** Finds out who asks. */
export interface Authenticating {
  /**
   * @param credential as the `Authorization` header has it
   * @throws GridError `unauthenticated`, `identity_unavailable`, `overloaded`
   */
  identity(credential: string): Identity | Promise<Identity>
  /** Whether whoever was identified so would be again. */
  holds(identity: Identity): boolean
}

export interface AccessControlParts {
  readonly authenticator: Authenticating
  readonly permissions: Permissions
  readonly audit: AuditTrail
}

/**
 * Who may what, where callers are asked who they are: the doors ask it before they do anything.
 * Whoever shows nothing is nobody, and may what is public; whoever shows something that does not
 * hold is refused, also what is public.
 */
export class AccessControl {
  readonly #parts: AccessControlParts

  constructor(parts: AccessControlParts) {
    this.#parts = parts
  }

  get audit(): AuditTrail {
    return this.#parts.audit
  }

  /**
   * What stands before something that may be asked.
   * @param permissions one of them is enough to come in: which of them it takes is known later
   */
  guard(...permissions: readonly PermissionName[]): AccessGuard {
    return new AccessGuard(this.#parts, permissions)
  }

  /** Whether whoever follows something may go on. */
  holds(identity: Identity): boolean {
    return this.#parts.authenticator.holds(identity)
  }
}

/** Stands before one thing that may be asked. */
export class AccessGuard {
  readonly permissions: readonly PermissionName[]
  readonly #parts: AccessControlParts
  readonly #holders: readonly Holders[]

  constructor(parts: AccessControlParts, permissions: readonly PermissionName[]) {
    this.#parts = parts
    this.permissions = permissions
    this.#holders = permissions.map((permission) => parts.permissions.holders(permission))
  }

  /** Whoever has said nothing may come in. */
  get isPublic(): boolean {
    return this.#holders.some(({ isPublic }) => isPublic)
  }

  /** @throws GridError `unauthenticated`, `identity_unavailable`, `overloaded` */
  identify(origin: Origin): Caller | Promise<Caller> {
    const { credential } = origin
    if (credential === undefined) return { name: undefined, origin }
    try {
      const found = this.#parts.authenticator.identity(credential)
      // Whoever is known at once does not wait for a turn.
      if (!(found instanceof Promise)) return { name: found.name, origin, identity: found }
      return found.then(
        (identity) => ({ name: identity.name, origin, identity }),
        (error) => this.#refuse(error, { name: undefined, origin }, this.permissions[0]),
      )
    } catch (error) {
      return this.#refuse(error, { name: undefined, origin }, this.permissions[0])
    }
  }

  /** @throws GridError `unauthenticated`, `forbidden` */
  admit(caller: Caller): void {
    if (!this.isHeldBy(caller)) this.#deny(caller, this.permissions[0])
  }

  isHeldBy({ identity }: Caller): boolean {
    return this.#holders.some((holders) => holds(holders, identity))
  }

  /**
   * What it takes is known by now.
   * @param permissions all of them are needed
   * @throws GridError `unauthenticated`, `forbidden`
   */
  require(caller: Caller, permissions: readonly PermissionName[]): void {
    for (const permission of permissions)
      if (!holds(this.#parts.permissions.holders(permission), caller.identity))
        this.#deny(caller, permission)
  }

  /** @throws GridError as `identify` and `admit` */
  async enter(origin: Origin): Promise<Caller> {
    const caller = await this.identify(origin)
    this.admit(caller)
    return caller
  }

  /** Tells the trail of something that operators have done, or tried to do. */
  administered(caller: Caller, error?: unknown): void {
    const outcome = error === undefined ? 'done' : codeOf(error)
    this.#parts.audit.administered(caller, this.permissions[0] ?? '', outcome)
  }

  #deny(caller: Caller, permission: PermissionName = ''): never {
    const error = caller.identity
      ? new GridError('forbidden', `The permission ${permission} is missing`, {
          details: { permission },
        })
      : unauthenticated('missing', 'This is not for everybody: send an Authorization header')
    this.#refuse(error, caller, permission)
  }

  #refuse(error: unknown, caller: Caller, permission: PermissionName = ''): never {
    if (isGridError(error)) this.#parts.audit.refused(caller, permission, error)
    throw error
  }
}

/** Why somebody could not be identified; callers are told. */
export type CredentialFault =
  | 'missing'
  | 'malformed'
  | 'unknown_scheme'
  | 'invalid'
  | 'expired'
  | 'not_yet_valid'

export const unauthenticated = (reason: CredentialFault, message: string): GridError =>
  new GridError('unauthenticated', message, { details: { reason } })

/** Whether an error tells that somebody may not: nothing is to be said then but that. */
export const isRefusal = (error: unknown): error is GridError =>
  isGridError(error, 'unauthenticated') || isGridError(error, 'forbidden')
