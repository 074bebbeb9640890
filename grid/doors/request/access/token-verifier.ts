import { hash } from 'node:crypto'
import { isRoleName } from '@spacegrid/grid/core/access'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Identity } from '../caller.ts'
import { unauthenticated } from './access-control.ts'

/**
 * Signatures that are believed: those with a private and a public key. With a shared secret (HS…)
 * every process that can check a token could make one, and a public key could be passed off as the
 * secret; `none` is no signature.
 */
export const tokenAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const

export interface TokenOptions {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly algorithms: readonly string[]
  /** What the clocks of whoever signs and of this machine may differ by, ms. */
  readonly clockSkewMs: number
  /** Claim with the caller's name. */
  readonly nameClaim: string
  /** Claim with the caller's roles; a path with dots where there is no claim of that name. */
  readonly rolesClaim: string
  /** Claims that handlers see. */
  readonly claims: readonly string[]
}

/** Of one token, longer ones are refused unread. */
const tokenLengthMax = 16_384
const nameLengthMax = 256
const rolesMax = 256
/** Tokens that are known to hold, at most. */
const knownMax = 10_000
/** So long one is believed without another look at the keys: one that is taken back ends there. */
const knownMs = 300_000
/** Tokens that are being looked at, at most. */
const pendingMax = 1024

interface Known {
  readonly identity: Identity
  /** ms since the epoch. */
  readonly until: number
}

/**
 * Finds out whose a JSON Web Token (RFC 7519) is. One that was found to hold is known by its hash,
 * for a while and never beyond its own end: a caller who sends it again costs a hash and a look.
 */
export class TokenVerifier {
  readonly #keyOf: JWTVerifyGetKey
  readonly #options: TokenOptions
  readonly #now: () => number
  readonly #known = new Map<string, Known>()
  readonly #ends = new WeakMap<Identity, number>()
  readonly #pending = new Map<string, Promise<Identity>>()

  /**
   * @param keyOf the public keys
   * @param now ms since the epoch
   */
  constructor(keyOf: JWTVerifyGetKey, options: TokenOptions, now: () => number) {
    this.#keyOf = keyOf
    this.#options = options
    this.#now = now
  }

  /** @throws GridError `unauthenticated`, `identity_unavailable`, `overloaded` */
  identity(token: string): Identity | Promise<Identity> {
    if (token.length > tokenLengthMax) throw unauthenticated('malformed', 'The token is too long')
    const digest = hash('sha256', token, 'base64url')
    const known = this.#known.get(digest)
    if (known && known.until > this.#now()) return known.identity
    if (known) this.#known.delete(digest)
    const pending = this.#pending.get(digest)
    if (pending) return pending
    if (this.#pending.size >= pendingMax)
      throw new GridError('overloaded', 'Too many new tokens have come', { retryAfterMs: 1000 })
    const looked = this.#look(token, digest).finally(() => this.#pending.delete(digest))
    this.#pending.set(digest, looked)
    return looked
  }

  /** Whether the token that somebody was identified by has not expired. */
  holds(identity: Identity): boolean {
    return (this.#ends.get(identity) ?? 0) > this.#now()
  }

  async #look(token: string, digest: string): Promise<Identity> {
    const { clockSkewMs } = this.#options
    const payload = await this.#verified(token)
    const identity = this.#identityOf(payload)
    // It is there: a token without an end is refused.
    const end = (payload.exp as number) * 1000 + clockSkewMs
    this.#ends.set(identity, end)
    if (this.#known.size >= knownMax)
      for (const [oldest] of this.#known) {
        this.#known.delete(oldest)
        break
      }
    this.#known.set(digest, { identity, until: Math.min(end, this.#now() + knownMs) })
    return identity
  }

  async #verified(token: string): Promise<JWTPayload> {
    const { issuer, audience, algorithms, clockSkewMs, nameClaim } = this.#options
    try {
      const { payload } = await jwtVerify(token, this.#keyOf, {
        ...{ issuer, audience: [...audience], algorithms: [...algorithms] },
        clockTolerance: clockSkewMs / 1000,
        currentDate: new Date(this.#now()),
        requiredClaims: ['exp', nameClaim],
      })
      return payload
    } catch (error) {
      throw faultOf(error)
    }
  }

  #identityOf(payload: JWTPayload): Identity {
    const { issuer, nameClaim, rolesClaim, claims } = this.#options
    const name = payload[nameClaim]
    if (typeof name !== 'string' || name === '' || name.length > nameLengthMax)
      throw unauthenticated('invalid', `The claim ${nameClaim} of the token is no name`)
    const whose = ['token', issuer, payload.sub ?? '', name].join('\n')
    const shown = claims.filter((claim) => payload[claim] !== undefined)
    return Object.freeze({
      id: hash('sha256', whose, 'base64url').slice(0, 22),
      ...{ name, kind: 'token' as const },
      roles: Object.freeze(rolesIn(payload, rolesClaim)),
      claims: Object.freeze(Object.fromEntries(shown.map((claim) => [claim, payload[claim]]))),
    })
  }
}

/** `roles`, `realm_access.roles`: a list of texts, or one text with spaces between them. */
function rolesIn(payload: JWTPayload, claim: string): string[] {
  let found: unknown = Object.hasOwn(payload, claim) ? payload[claim] : payload
  if (found === payload)
    for (const part of claim.split('.'))
      found =
        typeof found === 'object' && found !== null && Object.hasOwn(found, part)
          ? (found as Readonly<Record<string, unknown>>)[part]
          : undefined
  const list = typeof found === 'string' ? found.split(' ') : Array.isArray(found) ? found : []
  const roles = list.filter((role) => typeof role === 'string' && isRoleName(role))
  return [...new Set(roles)].slice(0, rolesMax)
}

/** Of what is wrong with a token callers hear as much as helps those who mean well. */
function faultOf(error: unknown): unknown {
  if (isGridError(error)) return error
  if (error instanceof errors.JWTExpired) return unauthenticated('expired', 'The token has expired')
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'nbf'
      ? unauthenticated('not_yet_valid', 'The token does not hold yet')
      : unauthenticated('invalid', `The claim ${error.claim} of the token is not as it must be`)
  const isTokens =
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) &&
    error.code !== 'ERR_JOSE_GENERIC'
  if (isTokens) return unauthenticated('invalid', 'The token does not hold')
  return new GridError('identity_unavailable', 'The keys of tokens cannot be had just now', {
    cause: error,
    retryAfterMs: 1000,
  })
}
