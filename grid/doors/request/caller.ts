import type { CallerIdentity } from '../../core/access.ts'
import type { Trace } from './trace.ts'

/** Where a request came from, as far as its door can tell. */
export interface Origin {
  readonly door: 'http' | 'nats'
  /**
   * Network address of the machine that has sent it (behind a gateway: the gateway's, unless it is
   * one of the trusted proxies, whose word is taken); undefined over NATS, which does not tell.
   */
  readonly address: string | undefined
  /** The `Authorization` header as it came; nobody has looked at it. */
  readonly credential: string | undefined
  /** Under what the request is known; undefined: of another unit that did not say. */
  readonly trace?: Trace | undefined
}

/** Who somebody has shown to be. */
export interface Identity extends CallerIdentity {
  /** Tells its idempotency keys from those of others: 22 characters. */
  readonly id: string
}

/** Who asks. It travels with a request to the unit, and never into the log. */
export interface Caller {
  /** undefined: anonymous. */
  readonly name: string | undefined
  readonly origin: Origin
  /** Left out: nobody has said who asks, or nobody is asked. */
  readonly identity?: Identity | undefined
}

/**
 * Finds out who asks, before anything of a request is read.
 * @throws GridError told to the caller: the request ends with it
 */
export type Identify = (origin: Origin) => Caller | Promise<Caller>

/** Everybody is anonymous. */
export const anonymous: Identify = (origin) => ({ name: undefined, origin })
