import type { Space } from '../../core/definition.ts'
import { type ErrorCode, GridError } from '../../core/errors.ts'
import { calledCommands } from '../../core/parts.ts'
import { checkKey } from '../../core/validation.ts'

/** What to answer when no route fits. */
export interface Missing {
  readonly error: GridError
  /** 405 when the path exists with other methods, the error's own otherwise. */
  readonly status?: number
  /** The methods the path takes, for 405. */
  readonly allow?: string
  /** The space that the path names, if there is one. */
  readonly space?: string
}

/** Characters of what the caller sent that an answer repeats. */
const shownMax = 200

const templates = [
  'GET /',
  'POST /{space}/commands/{name}',
  'GET /{space}/queries/{name}',
  'POST /{space}/queries/{name}',
  'POST /{space}/queries',
  'GET /{space}/caches/{cache}/{key}',
  'GET /{space}/caches/{cache}/{key}/history',
  'GET /{space}/archive/{cache}',
  'GET /{space}/archive/{cache}/{key}',
  'GET /{space}/projections/{name}',
  'GET /{space}/projections/{name}/{key}',
  'GET /{space}/events',
  'GET /openapi.json',
  'GET /docs',
]

/** Says which part of a path is not known, and what is known in its place. */
export function explainMissing(
  path: string,
  spaces: ReadonlyMap<string, Space>,
  readable: (space: Space) => readonly string[],
): Missing {
  const segments = decodedSegments(path)
  if (!segments)
    return { error: new GridError('invalid_key', 'The path is not percent-encoded UTF-8') }
  const [spaceName = '', kind = '', name = '', ...rest] = segments
  if (path === '*') return wrongMethod(path, 'GET, HEAD, POST, OPTIONS')
  if (path === '/' || path === '/openapi.json' || path === '/docs' || path.startsWith('/docs/'))
    return wrongMethod(path, readMethods)
  const queries = spaces.get(spaceName)?.queries.size ?? 0
  if (segments.length === 2 && kind === 'queries' && queries > 0)
    return { ...wrongMethod(path, 'POST, OPTIONS'), space: spaceName }
  if (kind === 'events' && name === '' && spaces.has(spaceName))
    return { ...wrongMethod(path, 'GET, OPTIONS'), space: spaceName }
  const parts = partsOf(spaces.get(spaceName), kind, readable)
  if (!parts || name === '') return { error: unknownRoute(path) }
  const space = spaces.get(spaceName)
  if (!space) return { error: unknown('unknown_space', 'space', spaceName, [...spaces.keys()]) }
  if (!parts.names.includes(name)) {
    const error = unknown(parts.code, parts.noun, name, parts.names, space.name)
    return { error, space: space.name }
  }
  if (!parts.leads(name, rest)) return { error: unknownRoute(path), space: space.name }
  if (parts.noun === 'cache' && rest.length > 0) {
    const problem = keyProblem(rest[0], name)
    if (problem) return { error: problem, space: space.name }
  }
  return { ...wrongMethod(path, parts.methods), space: space.name }
}

const readMethods = 'GET, HEAD, OPTIONS'

interface Parts {
  readonly noun: string
  readonly code: ErrorCode
  readonly names: readonly string[]
  readonly methods: string
  /** Whether there is a route with these segments behind the name. */
  leads(name: string, rest: readonly string[]): boolean
}

function partsOf(
  space: Space | undefined,
  kind: string,
  readable: (space: Space) => readonly string[],
): Parts | undefined {
  const own = { leads: (_name: string, rest: readonly string[]) => rest.length === 0 }
  if (kind === 'commands') {
    const names = space === undefined ? [] : calledCommands(space).map(({ name }) => name)
    return { ...own, noun: 'command', code: 'unknown_command', names, methods: 'POST, OPTIONS' }
  }
  if (kind === 'queries') {
    const names = [...(space?.queries.keys() ?? [])]
    return {
      ...own,
      noun: 'query',
      code: 'unknown_query',
      names,
      methods: 'GET, HEAD, POST, OPTIONS',
    }
  }
  if (kind === 'projections') {
    const rows = [...(space?.queries.values() ?? [])].flatMap(({ rowsOf }) => rowsOf ?? [])
    const names = [...new Set(rows.map(({ projection }) => projection))]
    const code = 'unknown_projection'
    const leads = (name: string, rest: readonly string[]) =>
      rest.length === 1 ||
      (rest.length === 0 &&
        rows.some(({ kind, projection }) => kind === 'rows' && projection === name))
    return { noun: 'projection', code, names, methods: readMethods, leads }
  }
  if (kind === 'caches' || kind === 'archive') {
    const names = space === undefined ? [] : readable(space)
    const code = 'unknown_cache'
    const isArchived = (name: string) =>
      space?.caches.find((cache) => cache.name === name)?.archive !== undefined
    const leads = (name: string, rest: readonly string[]) =>
      rest.length === 1 ||
      (kind === 'caches'
        ? rest.length === 2 && rest[1] === 'history'
        : rest.length === 0 && isArchived(name))
    return { noun: 'cache', code, names, methods: readMethods, leads }
  }
  return undefined
}

function decodedSegments(path: string): string[] | undefined {
  try {
    return path.split('/').slice(1).map(decodeURIComponent)
  } catch {
    return undefined
  }
}

function unknown(
  code: ErrorCode,
  noun: string,
  name: string,
  known: readonly string[],
  space?: string,
): GridError {
  const where = space === undefined ? '' : ` in space ${space}`
  const list = known.length === 0 ? 'none' : known.join(', ')
  const shown = name.slice(0, shownMax).toWellFormed()
  const message = `No ${noun} ${JSON.stringify(shown)}${where}; known: ${list}`
  return new GridError(code, message, { details: { [noun]: shown, known } })
}

function unknownRoute(path: string): GridError {
  const message = `No route ${path.slice(0, shownMax)}; known: ${templates.join(', ')}`
  return new GridError('unknown_route', message, { details: { known: templates } })
}

function wrongMethod(path: string, allow: string): Missing {
  const error = new GridError('unknown_route', `${path.slice(0, shownMax)} takes only ${allow}`, {
    details: { allow: allow.split(', ') },
  })
  return { error, status: 405, allow }
}

function keyProblem(key: string | undefined, cache: string): GridError | undefined {
  try {
    checkKey(key, `cache ${cache}`)
    return undefined
  } catch (error) {
    if (error instanceof GridError) return error
    throw error
  }
}
