import {
  createLocalJWKSet,
  createRemoteJWKSet,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose'
import { Type } from 'typebox'
import { GridError } from '../core/errors.ts'
import { textOf } from './permission-file.ts'
import { jsonOf, placedProblem } from './placed-problem.ts'
import { WatchedFile } from './watched-file.ts'

/** A key that is not known is asked for again, but not more often than this, ms. */
const cooldownMs = 10_000
/** So long keys are believed to be what they were, ms. */
const cacheMs = 600_000
const timeoutMs = 5000

export interface TokenKeys {
  readonly keyOf: JWTVerifyGetKey
  stop(): void
}

/** Keys of an address: fetched when they are needed, and again for one that is not known. */
export function keysAt(url: string): TokenKeys {
  const keyOf = createRemoteJWKSet(new URL(url), {
    cooldownDuration: cooldownMs,
    cacheMaxAge: cacheMs,
    timeoutDuration: timeoutMs,
  })
  return { keyOf, stop: () => undefined }
}

const schema = Type.Object({
  keys: Type.Array(Type.Object({ kty: Type.String() }), { minItems: 1, maxItems: 100 }),
})

/**
 * Keys of a file, which may be exchanged while the process runs. One that is gone or broken later
 * leaves those that were there.
 * @param failed told what is wrong with it then
 * @throws GridError `configuration_invalid`
 */
export function keysInFile(path: string, failed: (error: unknown) => void): TokenKeys {
  const what = `AUTH_JWKS_FILE=${path}`
  let keys = createLocalJWKSet(readKeySet(what, textOf(what, path)))
  const file = new WatchedFile(path, () => {
    try {
      keys = createLocalJWKSet(readKeySet(what, textOf(what, path)))
    } catch (error) {
      failed(error)
    }
  })
  return { keyOf: (header, token) => keys(header, token), stop: () => file.stop() }
}

function readKeySet(what: string, text: string): JSONWebKeySet {
  const parsed = jsonOf(what, text)
  const problem = placedProblem(schema, parsed)
  if (problem !== undefined) throw new GridError('configuration_invalid', `${what}: ${problem}`)
  const set = parsed as JSONWebKeySet
  const secret = set.keys.findIndex((key) => key.kty === 'oct' || 'd' in key)
  if (secret >= 0)
    throw new GridError(
      'configuration_invalid',
      `${what}: keys/${secret} is a secret one: whoever has it can make tokens, and only public keys belong here`,
    )
  return set
}
