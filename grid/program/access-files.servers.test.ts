import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { makeApiKey } from '../doors/request/access/api-keys.ts'
import { vault } from '../doors/request/access/test-support/guarded-vault.ts'
import { makeSigner } from '../doors/request/access/test-support/token-maker.ts'
import type { Caller, Origin } from '../doors/request/caller.ts'
import { noTelemetry } from '../engine/ports/telemetry.ts'
import { accessOf } from './access-of.ts'
import { AuditFile } from './audit-file.ts'
import { readEnvironment } from './environment.ts'
import { changeKeys, keysIn } from './key-file.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'access-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

const lines: string[] = []
const log = pino({ level: 'error' }, { write: (line) => void lines.push(line) })

const accessIn = (variables: Record<string, string>) =>
  accessOf([vault], readEnvironment([], variables), log, noTelemetry)

const origin = (credential: string): Origin => ({ door: 'nats', address: undefined, credential })

test.each([
  [{ AUTH_ISSUER: 'a' }, 'AUTH_ISSUER is set, but neither AUTH_JWKS_URL nor AUTH_JWKS_FILE'],
  [{ AUTH_JWKS_URL: 'https://a/keys' }, 'AUTH_ISSUER is not set'],
  [{ AUTH_JWKS_URL: 'https://a/keys', AUTH_ISSUER: 'a' }, 'AUTH_AUDIENCE is not set'],
  [{ AUTH_JWKS_URL: 'ftp://a', AUTH_ISSUER: 'a', AUTH_AUDIENCE: 'b' }, 'AUTH_JWKS_URL='],
  [{ AUTH_PERMISSIONS_FILE: 'a.json' }, 'nobody can say who they are'],
  [{ AUTH_ALGORITHMS: 'HS256' }, 'AUTH_ALGORITHMS="HS256": allowed is'],
  [{ AUTH_ALGORITHMS: 'ES256,none' }, 'AUTH_ALGORITHMS='],
  [{ AUTH_TOKEN: 'short' }, 'AUTH_TOKEN=***'],
  [
    { AUTH_KEYS_FILE: '/nowhere/keys.json' },
    'AUTH_KEYS_FILE=/nowhere/keys.json: there is no such file',
  ],
] as const)('half a configuration ends the program: %j', (variables, message) => {
  expect(() => accessIn({ ...variables })).toThrow(message)
})

test.each([
  ['{', 'it is no JSON'],
  ['{"roles": []}', 'roles: '],
  ['{"roles": {"a": "x"}}', 'roles/a: '],
  ['{"roles": {"a b": []}}', 'roles: "a b" is no role'],
  ['{"roles": {"a": ["x:y:z"]}}', 'roles/a/0: "x:y:z" is no permission: its kind is one of'],
  ['{"roles": {"a": ["x", "x:command:a:b"]}}', 'roles/a/1: '],
  ['{"roles": {"a": ["grid:command:x"]}}', 'roles/a/0: "grid:command:x" is no permission: of the'],
  ['{"roles": {}, "more": 1}', ''],
])('what is wrong with permissions is told with its place: %s', (text, message) => {
  const path = join(folder(), 'permissions.json')
  const keys = join(folder(), 'keys.json')
  writeFileSync(path, text)
  writeFileSync(keys, '{"keys":[]}')
  const variables = { AUTH_KEYS_FILE: keys, AUTH_PERMISSIONS_FILE: path }
  expect(() => accessIn(variables)).toThrow(`AUTH_PERMISSIONS_FILE=${path}: ${message}`)
})

test('keys that come and go while a process runs are seen', async () => {
  const path = join(folder(), 'keys.json')
  const [first, second] = [makeApiKey('a', [], { now: 1 }), makeApiKey('b', [], { now: 1 })]
  changeKeys(path, () => [first.record])
  const guard = accessIn({ AUTH_KEYS_FILE: path })?.guard('vault:command:greet')
  const enter = ({ text }: { readonly text: string }) => guard?.enter(origin(`Api-Key ${text}`))
  expect(await enter(first)).toMatchObject({ name: 'a' })
  await expect(enter(second)).rejects.toMatchObject({ code: 'unauthenticated' })
  changeKeys(path, () => [second.record])
  await vi.waitFor(async () => expect(await enter(second)).toMatchObject({ name: 'b' }), 10_000)
  await expect(enter(first)).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(keysIn(path)).toEqual([second.record])
  // Whoever has broken it has taken back nobody.
  writeFileSync(path, '{"keys": [')
  const isTold = () => expect(lines.join()).toContain('the API keys cannot be read')
  await vi.waitFor(isTold, 10_000)
  expect(await enter(second)).toMatchObject({ name: 'b' })
  rmSync(path)
  await vi.waitFor(
    () => expect(enter(second)).rejects.toMatchObject({ code: 'unauthenticated' }),
    10_000,
  )
})

test('public keys that are exchanged are seen, and secret ones are refused', async () => {
  const path = join(folder(), 'jwks.json')
  const [first, second] = [await makeSigner('ES256', 'one'), await makeSigner('ES256', 'two')]
  const variables = {
    ...{ AUTH_JWKS_FILE: path, AUTH_ISSUER: 'https://login.example', AUTH_AUDIENCE: 'grid' },
  }
  writeFileSync(path, JSON.stringify({ keys: [{ ...first.jwk, d: 'secret' }] }))
  expect(() => accessIn(variables)).toThrow('keys/0 is a secret one')
  writeFileSync(path, JSON.stringify({ keys: [first.jwk] }))
  const guard = accessIn(variables)?.guard('vault:command:greet')
  const exp = Math.ceil(Date.now() / 1000) + 60
  const enter = async (signer: typeof first): Promise<Caller | undefined> =>
    guard?.enter(origin(`Bearer ${await signer.sign({ exp, roles: ['x'] })}`))
  expect(await enter(first)).toMatchObject({ name: 'alice', identity: { roles: ['x'] } })
  await expect(enter(second)).rejects.toMatchObject({ code: 'unauthenticated' })
  writeFileSync(path, JSON.stringify({ keys: [second.jwk] }))
  await vi.waitFor(async () => expect(await enter(second)).toMatchObject({ name: 'alice' }), 10_000)
})

test('the file of the trail is begun anew at its limit, with the one before kept', () => {
  const path = join(folder(), 'audit.ndjson')
  const file = new AuditFile(path, 200, () => undefined)
  for (let count = 0; count < 10; count++) file.write({ time: 'now', kind: 'left_out', count })
  const counts = [`${path}.1`, path].flatMap((one) =>
    readFileSync(one, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).count),
  )
  expect(counts.at(-1)).toBe(9)
  expect(counts).toEqual(counts.toSorted())
  expect(() => new AuditFile('/nowhere/audit', 200, () => undefined)).toThrow('AUDIT_FILE=')
})
