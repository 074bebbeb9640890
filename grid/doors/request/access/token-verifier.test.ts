import { createHmac, randomBytes } from 'node:crypto'
import { type ErrorCode, GridError } from '@spacegrid/grid/core/errors'
import { exportSPKI } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  makeSigner,
  makeVerifier,
  nowSeconds,
  type Signer,
  tokenOptions,
} from './test-support/token-maker.ts'
import { TokenVerifier } from './token-verifier.ts'

let signer: Signer
let stranger: Signer

beforeAll(async () => {
  signer = await makeSigner()
  // The same name for another key.
  stranger = await makeSigner('ES256', 'first')
})

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

async function refusalOf(token: string, verifier = makeVerifier([signer])) {
  const error = await (async () => verifier.identity(token))().catch((thrown: unknown) => thrown)
  if (!(error instanceof GridError)) throw new Error(`was taken: ${JSON.stringify(error)}`)
  return { code: error.code as ErrorCode, reason: error.details.reason }
}

/** What can be wrong with the claims, and what is heard of it. */
const claimFaults: Readonly<
  Record<string, readonly [more: Readonly<Record<string, unknown>>, reason: string]>
> = {
  expired: [{ exp: nowSeconds - 6 }, 'expired'],
  'expired long ago': [{ exp: 1 }, 'expired'],
  'without an end': [{ exp: undefined }, 'invalid'],
  'with an end that is no time': [{ exp: 'soon' }, 'invalid'],
  'not yet valid': [{ nbf: nowSeconds + 6 }, 'not_yet_valid'],
  'for others': [{ aud: 'shop' }, 'invalid'],
  'for several others': [{ aud: ['shop', 'bank'] }, 'invalid'],
  'for nobody': [{ aud: undefined }, 'invalid'],
  'for a name that only begins like ours': [{ aud: 'grid.example' }, 'invalid'],
  'of another issuer': [{ iss: 'https://login.example.evil' }, 'invalid'],
  'of no issuer': [{ iss: undefined }, 'invalid'],
  'without a name': [{ sub: undefined }, 'invalid'],
  'with an empty name': [{ sub: '' }, 'invalid'],
  'with a name that is no text': [{ sub: 7 }, 'invalid'],
  'with a name that is too long': [{ sub: 'x'.repeat(257) }, 'invalid'],
}

/** What can be done to a token that was good. */
const tokenFaults: Readonly<Record<string, (token: string) => string>> = {
  'its signature cut off': (token) => token.slice(0, token.lastIndexOf('.') + 1),
  'its signature left out': (token) => token.split('.').slice(0, 2).join('.'),
  'another signature': (token) =>
    `${token.slice(0, token.lastIndexOf('.'))}.${randomBytes(64).toString('base64url')}`,
  'a signature of nothing but zeros': (token) =>
    `${token.slice(0, token.lastIndexOf('.'))}.${Buffer.alloc(64).toString('base64url')}`,
  'claims exchanged': (token) => {
    const [header, , signature] = token.split('.')
    return [header, part({ ...signer.claims, sub: 'root' }), signature].join('.')
  },
  'alg none, unsigned': (token) => `${part({ alg: 'none' })}.${token.split('.')[1]}.`,
  'alg None, unsigned': (token) => `${part({ alg: 'None' })}.${token.split('.')[1]}.`,
  'alg none, signed': (token) => [part({ alg: 'none' }), ...token.split('.').slice(1)].join('.'),
  'alg of another kind': (token) =>
    [part({ alg: 'RS256', kid: 'first' }), ...token.split('.').slice(1)].join('.'),
  'alg of nobody': (token) =>
    [part({ alg: 'XS256', kid: 'first' }), ...token.split('.').slice(1)].join('.'),
  'a header that demands something': (token) =>
    [
      part({ alg: 'ES256', kid: 'first', crit: ['exp2'], exp2: 1 }),
      ...token.split('.').slice(1),
    ].join('.'),
  'a key of its own': (token) =>
    [part({ alg: 'ES256', jwk: stranger.jwk }), ...token.split('.').slice(1)].join('.'),
  'no header': (token) => token.slice(token.indexOf('.')),
  'a header that is no JSON': (token) => `abc.${token.split('.').slice(1).join('.')}`,
  'four parts': (token) => `${token}.${token.split('.')[2]}`,
  'five parts, as if encrypted': (token) => `${token}.e30.e30`,
  'nothing at all': () => '',
  'only dots': () => '..',
  'no base64': (token) => token.replaceAll('.', '.*'),
}

describe('a token', () => {
  test('that holds names its caller', async () => {
    const token = await signer.sign({
      roles: ['seller', 'seller', '', 7, 'public'],
      tenant: 'a',
      x: 1,
    })
    const verifier = makeVerifier([signer])
    expect(await verifier.identity(token)).toEqual({
      id: expect.stringMatching(/^[\w-]{22}$/),
      name: 'alice',
      kind: 'token',
      roles: ['seller'],
      claims: { tenant: 'a' },
    })
  })

  test.each(Object.entries(claimFaults))('%s is refused', async (_, [more, reason]) => {
    const token = await signer.sign(more)
    expect(await refusalOf(token)).toEqual({ code: 'unauthenticated', reason })
  })

  test.each(Object.entries(tokenFaults))('with %s is refused', async (_, spoil) => {
    const token = spoil(await signer.sign())
    expect(await refusalOf(token)).toEqual({ code: 'unauthenticated', reason: 'invalid' })
  })

  // A signature over the wrong claims is as bad as the right claims without one.
  test('with each of both kinds of faults at once is refused', async () => {
    for (const [more] of Object.values(claimFaults))
      for (const spoil of Object.values(tokenFaults)) {
        const { code } = await refusalOf(spoil(await signer.sign(more)))
        expect(code).toBe('unauthenticated')
      }
  })

  test('signed by somebody else under the name of a known key is refused', async () => {
    expect((await refusalOf(await stranger.sign())).reason).toBe('invalid')
  })

  test('signed with a public key as if that were a shared secret is refused', async () => {
    const text = await exportSPKI(signer.publicKey)
    for (const secret of [text, text.trim(), JSON.stringify(signer.jwk)])
      for (const alg of ['HS256', 'HS384', 'HS512']) {
        const signed = `${part({ alg, kid: 'first' })}.${part(signer.claims)}`
        const hash = `sha${alg.slice(2)}`
        const signature = createHmac(hash, secret).update(signed).digest('base64url')
        expect((await refusalOf(`${signed}.${signature}`)).reason).toBe('invalid')
      }
  })

  test('is taken within the difference that clocks may have', async () => {
    const verifier = makeVerifier([signer])
    for (const more of [{ exp: nowSeconds - 4 }, { nbf: nowSeconds + 4 }])
      expect(await verifier.identity(await signer.sign(more))).toMatchObject({ name: 'alice' })
    const strict = makeVerifier([signer], { clockSkewMs: 0 })
    expect((await refusalOf(await signer.sign({ exp: nowSeconds }), strict)).reason).toBe('expired')
  })

  test('of an algorithm that is switched off is refused', async () => {
    const verifier = makeVerifier([signer], { algorithms: ['EdDSA'] })
    expect((await refusalOf(await signer.sign(), verifier)).reason).toBe('invalid')
  })

  test.each(['RS256', 'PS256', 'ES384', 'EdDSA'])('may be signed by %s', async (algorithm) => {
    const other = await makeSigner(algorithm, 'other')
    const verifier = makeVerifier([signer, other])
    expect(await verifier.identity(await other.sign())).toMatchObject({ name: 'alice' })
  })

  test('that is longer than tokens are is not looked at', async () => {
    expect(await refusalOf('x'.repeat(20_000))).toMatchObject({ reason: 'malformed' })
  })

  test('is known the second time, until it ends', async () => {
    let now = nowSeconds * 1000
    const verifier = makeVerifier([signer], {}, () => now)
    const token = await signer.sign()
    const first = verifier.identity(token)
    expect(first).toBeInstanceOf(Promise)
    expect(verifier.identity(token)).toBe(first)
    const identity = await first
    expect(verifier.identity(token)).toBe(identity)
    now += 64_999
    expect(verifier.identity(token)).toBe(identity)
    expect(verifier.holds(identity)).toBe(true)
    now += 2
    expect(verifier.holds(identity)).toBe(false)
    expect((await refusalOf(token, verifier)).reason).toBe('expired')
  })

  test('is refused some minutes after its key was taken back, at the latest', async () => {
    let now = nowSeconds * 1000
    let holds = true
    const verifier = new TokenVerifier(
      async (header, token) => {
        if (holds) return signer.publicKey
        const { errors } = await import('jose')
        throw new errors.JWKSNoMatchingKey(`${header?.kid} ${token === undefined}`)
      },
      tokenOptions,
      () => now,
    )
    const token = await signer.sign({ exp: nowSeconds + 86_400 })
    await verifier.identity(token)
    holds = false
    expect(await verifier.identity(token)).toMatchObject({ name: 'alice' })
    now += 300_001
    expect((await refusalOf(token, verifier)).reason).toBe('invalid')
  })

  test('cannot be judged while nobody has the keys: that is no fault of its caller', async () => {
    const verifier = new TokenVerifier(
      () => Promise.reject(new TypeError('fetch failed')),
      tokenOptions,
      () => nowSeconds * 1000,
    )
    expect((await refusalOf(await signer.sign(), verifier)).code).toBe('identity_unavailable')
  })

  test.each([
    ['roles', { roles: 'a b' }, ['a', 'b']],
    ['realm_access.roles', { realm_access: { roles: ['a'] } }, ['a']],
    ['https://grid.example/roles', { 'https://grid.example/roles': ['a'] }, ['a']],
    ['roles', {}, []],
    ['a.b', { a: 'text' }, []],
    ['__proto__.x', {}, []],
  ])('has its roles in the claim %s', async (rolesClaim, claims, roles) => {
    const verifier = makeVerifier([signer], { rolesClaim })
    expect(await verifier.identity(await signer.sign(claims))).toMatchObject({ roles })
  })

  test('of another issuer, or another caller, has other idempotency keys', async () => {
    const ids = new Set<string>()
    for (const issuer of ['https://a.example', 'https://b.example'])
      for (const sub of ['alice', 'bob']) {
        const verifier = makeVerifier([signer], { issuer })
        ids.add((await verifier.identity(await signer.sign({ iss: issuer, sub }))).id)
      }
    expect(ids.size).toBe(4)
  })
})
