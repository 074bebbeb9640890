import type { Identity } from '../caller.ts'
import { type Authenticating, unauthenticated } from './access-control.ts'
import type { ApiKeys } from './api-keys.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** Reads the `Authorization` header: `Bearer` and a token, or `Api-Key` and a key. */
export class Authenticator implements Authenticating {
  readonly #tokens: TokenVerifier | undefined
  readonly #keys: ApiKeys | undefined

  /** @param ways undefined: that one is not taken here */
  constructor(ways: { readonly tokens?: TokenVerifier; readonly keys?: ApiKeys }) {
    this.#tokens = ways.tokens
    this.#keys = ways.keys
  }

  identity(credential: string): Identity | Promise<Identity> {
    // What stands behind it is looked at by whoever knows what it must be.
    const space = credential.indexOf(' ')
    const scheme = credential.slice(0, Math.max(0, space))
    const value = credential.slice(space + 1).trimStart()
    switch (scheme.toLowerCase()) {
      case 'bearer':
        if (this.#tokens) return this.#tokens.identity(value)
        break
      case 'api-key':
        if (this.#keys) return this.#keys.identity(value)
        break
      case '':
        throw unauthenticated(
          'malformed',
          'Authorization: Bearer and a token, or Api-Key and a key',
        )
    }
    const known = [this.#tokens && 'Bearer', this.#keys && 'Api-Key'].filter(Boolean).join(', ')
    throw unauthenticated('unknown_scheme', `Authorization: taken here is ${known}`)
  }

  holds(identity: Identity): boolean {
    const way = identity.kind === 'key' ? this.#keys : this.#tokens
    return way?.holds(identity) ?? false
  }
}
