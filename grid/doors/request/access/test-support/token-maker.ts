import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { TokenOptions } from '../token-verifier.ts'
import { TokenVerifier, tokenAlgorithms } from '../token-verifier.ts'

/** What the clock of these tests says, s. */
export const nowSeconds = 1_700_000_000

export const tokenOptions: TokenOptions = {
  issuer: 'https://login.example',
  audience: ['grid'],
  algorithms: tokenAlgorithms,
  clockSkewMs: 5000,
  nameClaim: 'sub',
  rolesClaim: 'roles',
  claims: ['tenant'],
}

/** Whoever signs tokens, with a key that can be known. */
export async function makeSigner(algorithm = 'ES256', kid = 'first') {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm }
  const claims: JWTPayload = {
    iss: tokenOptions.issuer,
    aud: 'grid',
    sub: 'alice',
    exp: nowSeconds + 60,
  }
  const sign = (more: Readonly<Record<string, unknown>> = {}, header: object = {}) =>
    new SignJWT({ ...claims, ...more })
      .setProtectedHeader({ alg: algorithm, kid, ...header })
      .sign(privateKey)
  return { jwk, claims, sign, privateKey, publicKey }
}

export type Signer = Awaited<ReturnType<typeof makeSigner>>

export function makeVerifier(
  signers: readonly Pick<Signer, 'jwk'>[],
  options: Partial<TokenOptions> = {},
  now: () => number = () => nowSeconds * 1000,
): TokenVerifier {
  const keys = createLocalJWKSet({ keys: signers.map(({ jwk }) => jwk) })
  return new TokenVerifier(keys, { ...tokenOptions, ...options }, now)
}
