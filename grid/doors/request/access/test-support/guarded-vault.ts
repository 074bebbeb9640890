import type { AccessDeclaring } from '@spacegrid/grid/core/access'
import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { AccessControl } from '../access-control.ts'
import { ApiKeys, makeApiKey } from '../api-keys.ts'
import { type AuditRecord, AuditTrail } from '../audit-trail.ts'
import { Authenticator } from '../authenticator.ts'
import { type ConfiguredRoles, Permissions } from '../permissions.ts'
import type { TokenVerifier } from '../token-verifier.ts'

/** What stands in every value of the vault: no refusal may show it. */
export const treasure = 'the-crown-jewels'

const gems = defineCache('gems', {
  schema: Type.Object({ id: Type.String(), what: Type.String(), soldAt: Type.Number() }),
  key: 'id',
  indexes: { byWhat: ['what'] },
  readable: true,
  archive: { after: 'soldAt', ms: 1000 },
  access: ['curator'],
})

const byWhat = defineProjection('gemsByWhat', {
  of: gems,
  groupBy: ['what'],
  values: ({ count }) => ({ gems: count() }),
  readable: true,
  access: ['curator'],
})

const anything = Type.Object({ id: Type.Optional(Type.String()) })

/** One of each thing that can be asked; what is not public is for curators. */
export const vault = defineSpace('vault', {
  caches: [gems],
  commands: [
    defineCommand('put', {
      input: Type.Object({ id: Type.String() }),
      access: ['curator'],
      handler: (tx, { id }, { caller }) => {
        tx.put(gems, { id, what: treasure, soldAt: 0 })
        return { by: caller?.name ?? null, roles: caller?.roles ?? [] }
      },
    }),
    defineCommand('ring', {
      input: anything,
      access: 'public',
      handler: (_tx, _input, { caller }) => ({ by: caller?.name ?? null }),
    }),
    defineCommand('greet', {
      input: anything,
      access: 'identified',
      handler: (_tx, _input, { caller }) => ({ by: caller?.name ?? null }),
    }),
    // Nobody is said to be allowed to.
    defineCommand('burn', { input: anything, handler: () => treasure }),
  ],
  queries: [
    defineQuery('gem', {
      input: Type.Object({ id: Type.String() }),
      access: ['curator'],
      handler: (read, { id }) => read.get(gems, id) ?? read.notFound('There is no such gem'),
    }),
    defineQuery('hours', { input: anything, access: 'public', handler: () => '9 to 5' }),
    defineQuery('secrets', { input: anything, handler: () => treasure }),
  ],
  projections: [byWhat],
  readableEvents: true,
  access: { events: ['curator'], past: ['curator'], admin: ['director'] },
})

const now = 1_700_000_000_000

const keyOf = (name: string, roles: readonly string[], expiresAt?: string) =>
  makeApiKey(name, roles, { now, expiresAt })

/** Whoever may come to the vault, with a key each. */
export const people = {
  curator: keyOf('carla', ['curator']),
  other: keyOf('otto', ['curator']),
  director: keyOf('dora', ['director']),
  visitor: keyOf('victor', []),
  late: keyOf('lars', ['curator'], '2023-11-01T00:00:00Z'),
}

export type Person = keyof typeof people

export const showing = (person: Person): Readonly<Record<string, string>> => ({
  authorization: `Api-Key ${people[person].text}`,
})

/** The door of the vault, and what has been written down about it. */
export function guardVault(
  configured: ConfiguredRoles = new Map(),
  tokens?: TokenVerifier,
  spaces: readonly AccessDeclaring[] = [vault],
): {
  readonly access: AccessControl
  readonly keys: ApiKeys
  readonly records: AuditRecord[]
} {
  const records: AuditRecord[] = []
  const keys = new ApiKeys(
    Object.values(people).map(({ record }) => record),
    () => now,
  )
  const audit = new AuditTrail({ write: (record) => records.push(record), now: () => now })
  const access = new AccessControl({
    authenticator: new Authenticator({ keys, ...(tokens ? { tokens } : {}) }),
    permissions: new Permissions(spaces, configured),
    audit,
  })
  return { access, keys, records }
}

/** Credentials with which nobody may come in, whatever is asked. */
export const badCredentials: Readonly<Record<string, string>> = {
  'an empty one': '',
  'no scheme': people.curator.text,
  'a scheme that is not known': `Basic ${Buffer.from('carla:secret').toString('base64')}`,
  'a scheme alone': 'Api-Key',
  'a key of nobody': `Api-Key sgk_aaaaaaaaaaaa_${'A'.repeat(43)}`,
  'a key that ends otherwise': `Api-Key ${people.curator.text.slice(0, -2)}zz`,
  'the key of one under the name of another': `Api-Key sgk_${people.other.record.id}${people.curator.text.slice(16)}`,
  'the hash of a key': `Api-Key sgk_${people.curator.record.id}_${people.curator.record.hash}`,
  'an expired key': `Api-Key ${people.late.text}`,
  'two keys': `Api-Key ${people.curator.text}, Api-Key ${people.other.text}`,
  'a key as a token': `Bearer ${people.curator.text}`,
  'something very long': `Api-Key ${'x'.repeat(5000)}`,
}
