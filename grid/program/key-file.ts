import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type Static, Type } from 'typebox'
import { isRoleName } from '../core/access.ts'
import { GridError } from '../core/errors.ts'
import type { ApiKeyRecord } from '../doors/request/access/api-keys.ts'
import { jsonOf, placedProblem } from './placed-problem.ts'

const time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?Z$' })

const schema = Type.Object(
  {
    keys: Type.Array(
      Type.Object(
        {
          id: Type.String({ pattern: '^[a-z0-9]{12}$' }),
          name: Type.String({ minLength: 1, maxLength: 256 }),
          roles: Type.Array(Type.String()),
          hash: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
          createdAt: time,
          expiresAt: Type.Optional(time),
        },
        { additionalProperties: false },
      ),
      { maxItems: 100_000 },
    ),
  },
  { additionalProperties: false },
)

/**
 * The API keys of a file, as text. Their hashes are of no use to whoever reads it.
 * @throws GridError `configuration_invalid`: one line that names the place
 */
export function readKeys(path: string, text: string): readonly ApiKeyRecord[] {
  const parsed = jsonOf(`AUTH_KEYS_FILE=${path}`, text)
  const problem = placedProblem(schema, parsed) ?? meaning(parsed as Static<typeof schema>)
  if (problem === undefined) return (parsed as Static<typeof schema>).keys
  throw new GridError('configuration_invalid', `AUTH_KEYS_FILE=${path}: ${problem}`)
}

function meaning({ keys }: Static<typeof schema>): string | undefined {
  const ids = new Set<string>()
  for (const [at, { id, roles }] of keys.entries()) {
    if (ids.has(id)) return `keys/${at}/id: ${id} is there twice`
    ids.add(id)
    const wrong = roles.findIndex((role) => !isRoleName(role))
    if (wrong >= 0)
      return `keys/${at}/roles/${wrong}: ${JSON.stringify(roles[wrong])} is no role's name`
  }
  return undefined
}

/** The keys that there are; none, where there is no such file yet. */
export function keysIn(path: string): readonly ApiKeyRecord[] {
  try {
    return readKeys(path, readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/**
 * Changes the keys of a file. Whoever reads it meanwhile sees those before or those after, and of
 * two who change it at once the second is refused.
 * @throws GridError `configuration_invalid`
 */
export function changeKeys(
  path: string,
  change: (keys: readonly ApiKeyRecord[]) => readonly ApiKeyRecord[],
): void {
  const fresh = `${path}.${process.pid}`
  const lock = `${path}.lock`
  writeFileSync(fresh, '', { mode: 0o600, flag: 'w' })
  try {
    linkSync(fresh, lock)
  } catch (error) {
    rmSync(fresh, { force: true })
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new GridError(
      'configuration_invalid',
      `Somebody else is changing ${path} (${lock} is there; remove it if that was cut off)`,
    )
  }
  try {
    writeFileSync(fresh, `${JSON.stringify({ keys: change(keysIn(path)) }, undefined, 2)}\n`)
    renameSync(fresh, path)
  } finally {
    rmSync(fresh, { force: true })
    rmSync(lock, { force: true })
  }
}
