import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { documentsPermission, type PermissionName } from '../../core/access.ts'
import type { GridError } from '../../core/errors.ts'
import type { AccessControl, AccessGuard } from '../request/access/access-control.ts'
import { RequestPath } from '../request/request-pipeline.ts'
import { headerOf, traceOfRequest } from './exchange.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whoever asks is not told what there is. */
    isBlind: boolean
  }

  /** What a route says of who may ask it. A route that says nothing is for nobody. */
  interface FastifyContextConfig {
    /** Its requests take this way, which asks. */
    path?: unknown
    /** It is for everybody: it shows nothing of any space, or asks in a way of its own. */
    isPublic?: boolean
    permission?: PermissionName
    /** For the documentation alone. */
    schema?: FastifySchema
  }
}

/**
 * Stands before all routes, where callers are asked who they are: what does not go the way of a
 * command or a query takes a permission of its own, and so does to be told which routes there are.
 */
export class Entrance {
  readonly #access: AccessControl
  readonly #guards = new Map<PermissionName, AccessGuard>()

  constructor(access: AccessControl) {
    this.#access = access
  }

  /**
   * @param go whoever asks may come in, if only to hear that there is nothing
   * @param refuse or not
   */
  enter(request: FastifyRequest, go: () => void, refuse: (error: Error) => void): void {
    const { config } = request.routeOptions
    const isThere = !request.is404 && request.method !== 'OPTIONS'
    if (isThere && (config.isPublic || config.path instanceof RequestPath)) {
      go()
      return
    }
    const permission = isThere ? (config.permission ?? unnamed(request)) : documentsPermission
    const guard = this.#guardOf(permission)
    const identified = async () => guard.identify(originOf(request))
    identified()
      .then((caller) => {
        if (guard.isHeldBy(caller)) request.isBlind = false
        // Whoever has said who it is hears that there is nothing, and not what there is.
        else if (isThere || !caller.identity) guard.admit(caller)
      })
      .then(go, refuse)
  }

  #guardOf(permission: PermissionName): AccessGuard {
    const known = this.#guards.get(permission)
    if (known) return known
    const guard = this.#access.guard(permission)
    this.#guards.set(permission, guard)
    return guard
  }
}

/** Of a route that does not say what it takes: whoever may everything may this. */
const unnamed = ({ routeOptions }: FastifyRequest): PermissionName =>
  `grid:route:${routeOptions.url ?? ''}`

const originOf = (request: FastifyRequest) => ({
  door: 'http' as const,
  address: request.ip,
  credential: headerOf(request, 'authorization'),
  trace: traceOfRequest(request),
})

/** Says how somebody is to say who it is (RFC 6750, section 3). */
export function challenge(reply: FastifyReply, error: GridError): void {
  if (error.code !== 'unauthenticated') return
  const { reason } = error.details
  const why = reason === 'missing' ? '' : `, error="invalid_token", error_description="${reason}"`
  reply.header('www-authenticate', `Bearer realm="spacegrid"${why}, Api-Key realm="spacegrid"`)
}
