import { Type } from 'typebox'
import { tokenAlgorithms } from '../doors/request/access/token-verifier.ts'

const algorithm = `(${tokenAlgorithms.join('|')})`

const path = (description: string) =>
  Type.Optional(Type.String({ pattern: '^[^\\x00]+$', description, allowed: 'a path' }))

const claim = '[^\\s,]{1,200}'

/** What the environment says of who may ask, and of what is written down about it. */
export const accessVariables = {
  AUTH_JWKS_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^\\s]+$',
      description: 'Where the public keys of tokens are (a JSON Web Key Set)',
      allowed: 'an address such as https://login.example/.well-known/jwks.json',
    }),
  ),
  AUTH_JWKS_FILE: path('A file with the public keys of tokens, in place of an address'),
  AUTH_ISSUER: Type.Optional(
    Type.String({
      pattern: '^\\S{1,1000}$',
      description: 'Who signs tokens: their claim iss',
      allowed: 'a text without spaces, as tokens have it',
    }),
  ),
  AUTH_AUDIENCE: Type.Optional(
    Type.String({
      pattern: '^[^\\s,]{1,1000}(,[^\\s,]{1,1000})*$',
      description: 'Whom tokens are for: one of these must be in their claim aud',
      allowed: 'comma-separated texts without spaces',
    }),
  ),
  AUTH_ALGORITHMS: Type.Optional(
    Type.String({
      pattern: `^${algorithm}(,${algorithm})*$`,
      description: 'Signatures of tokens that are believed; not set: all that have a public key',
      allowed: `a list of ${tokenAlgorithms.join(', ')}, with commas between them`,
    }),
  ),
  AUTH_CLOCK_SKEW_MS: Type.Integer({
    minimum: 0,
    maximum: 300_000,
    default: 5000,
    description: 'What the clock of whoever signs tokens may differ from that of this machine',
    allowed: 'an integer from 0 to 300000 (ms)',
  }),
  AUTH_NAME_CLAIM: Type.String({
    pattern: `^${claim}$`,
    default: 'sub',
    description: 'Claim of a token that names its caller, and nobody else',
    allowed: 'a name without spaces',
  }),
  AUTH_ROLES_CLAIM: Type.String({
    pattern: `^${claim}$`,
    default: 'roles',
    description: 'Claim of a token with its roles: a list, or a text with spaces between them',
    allowed: 'a name, or a path with dots: realm_access.roles',
  }),
  AUTH_CLAIMS: Type.Optional(
    Type.String({
      pattern: `^${claim}(,${claim})*$`,
      description: 'Further claims that handlers and rules see',
      allowed: 'comma-separated names',
    }),
  ),
  AUTH_KEYS_FILE: path(
    'The API keys that are taken: see npx spacegrid keys api; read when it changes',
  ),
  AUTH_PERMISSIONS_FILE: path('What roles may, in place of what spaces declare of them'),
  AUTH_TOKEN: Type.Optional(
    Type.String({
      pattern: '^[!-+\\--~]{16,16384}$',
      isSecret: true,
      description: 'With which commands and the console say who they are: an API key, or a token',
      allowed: 'an API key or a token, without spaces',
    }),
  ),
  AUDIT_FILE: path('Where refusals and what operators do is written down, a JSON object a line'),
  AUDIT_FILE_BYTES_MAX: Type.Integer({
    minimum: 65_536,
    maximum: 2 ** 40,
    default: 64 * 1024 * 1024,
    description:
      'Bytes of that file; then it becomes the one with .1 behind its name, and is begun anew',
    allowed: 'an integer from 65536 to 1099511627776 (bytes)',
  }),
}

type Values = Readonly<Record<string, unknown>>

/** What does not go together, a line for each. */
export function accessProblems(values: Values): string[] {
  const isSet = (name: keyof typeof accessVariables) => values[name] !== undefined
  const problems: string[] = []
  if (isSet('AUTH_JWKS_URL') && isSet('AUTH_JWKS_FILE'))
    problems.push('AUTH_JWKS_URL and AUTH_JWKS_FILE are both set: set one')
  const hasTokens = isSet('AUTH_JWKS_URL') || isSet('AUTH_JWKS_FILE')
  const withTokens = ['AUTH_ISSUER', 'AUTH_AUDIENCE'] as const
  for (const name of withTokens)
    if (hasTokens && !isSet(name))
      problems.push(`${name} is not set, and without it tokens meant for others would be taken`)
  for (const name of [...withTokens, 'AUTH_ALGORITHMS', 'AUTH_CLAIMS'] as const)
    if (!hasTokens && isSet(name))
      problems.push(`${name} is set, but neither AUTH_JWKS_URL nor AUTH_JWKS_FILE`)
  if (isSet('AUTH_PERMISSIONS_FILE') && !hasTokens && !isSet('AUTH_KEYS_FILE'))
    problems.push(
      'AUTH_PERMISSIONS_FILE is set, but nobody can say who they are: AUTH_JWKS_URL, AUTH_JWKS_FILE or AUTH_KEYS_FILE',
    )
  return problems
}
