import { readFileSync } from 'node:fs'
import { type Static, Type } from 'typebox'
import { isPermissionPattern, isRoleName, permissionKinds } from '../core/access.ts'
import type { Space } from '../core/definition.ts'
import { GridError } from '../core/errors.ts'
import type { ConfiguredRoles } from '../doors/request/access/permissions.ts'
import { jsonOf, placedProblem } from './placed-problem.ts'

const schema = Type.Object(
  { roles: Type.Record(Type.String(), Type.Array(Type.String(), { maxItems: 10_000 })) },
  { additionalProperties: false },
)

type PermissionFile = Static<typeof schema>

/**
 * What roles may, as a file has it: `{"roles": {"box-office": ["ticketing:command:*"]}}`.
 * @throws GridError `configuration_invalid`: one line that names the place
 */
export function readPermissionFile(path: string): ConfiguredRoles {
  const what = `AUTH_PERMISSIONS_FILE=${path}`
  const parsed = jsonOf(what, textOf(what, path))
  const problem = placedProblem(schema, parsed) ?? meaning(parsed as PermissionFile)
  if (problem !== undefined) throw new GridError('configuration_invalid', `${what}: ${problem}`)
  return new Map(Object.entries((parsed as PermissionFile).roles))
}

/** @throws GridError `configuration_invalid` */
export function textOf(what: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : message
    throw new GridError('configuration_invalid', `${what}: ${why}`)
  }
}

function meaning({ roles }: PermissionFile): string | undefined {
  for (const [role, patterns] of Object.entries(roles)) {
    if (!isRoleName(role) && role !== 'public' && role !== 'identified')
      return `roles: ${JSON.stringify(role)} is no role's name`
    for (const [at, pattern] of patterns.entries()) {
      const wrong = patternProblem(pattern)
      if (wrong !== undefined)
        return `roles/${role}/${at}: ${JSON.stringify(pattern)} is no permission: ${wrong}`
    }
  }
  return undefined
}

function patternProblem(pattern: string): string | undefined {
  if (!isPermissionPattern(pattern)) return 'allowed is space:kind:name, with * for any of them'
  const [space, kind = '*'] = pattern.split(':') as [string, string?]
  if (space === 'grid')
    return kind === 'docs' || kind === '*' ? undefined : 'of the grid there is grid:docs:read'
  if (kind === '*' || permissionKinds.some((known) => known === kind)) return undefined
  return `its kind is one of ${permissionKinds.join(', ')}`
}

/** What a file names of spaces that are here, and those do not have: a line for each. */
export function unknownNames(roles: ConfiguredRoles, spaces: readonly Space[]): string[] {
  const lines: string[] = []
  for (const [role, patterns] of roles)
    for (const pattern of patterns) {
      const [space, kind, name] = pattern.split(':') as [string, string?, string?]
      const known = spaces.find((one) => one.name === space)
      if (!known || name === undefined || name === '*') continue
      const names = namesOf(known, kind ?? '*')
      if (names && !names.includes(name))
        lines.push(
          `AUTH_PERMISSIONS_FILE: role ${role} may ${pattern}, and space ${space} has no ${name} (known: ${names.join(', ')})`,
        )
    }
  return lines
}

/** undefined: any may be meant. */
function namesOf(space: Space, kind: string): readonly string[] | undefined {
  if (kind === 'command') return [...space.commands.keys()]
  if (kind === 'query') return [...space.queries.keys()]
  if (kind === 'cache' || kind === 'changes' || kind === 'archive')
    return space.caches.map(({ name }) => name)
  if (kind === 'admin') return ['correct', 'reactions', 'look']
  return undefined
}
