import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { applicationLine } from '@spacegrid/grid/core/application-fault'
import { GridError, isGridError } from '@spacegrid/grid/core/errors'

/** What Node.js has to say when it cannot load a module, and what to do about it. */
const advice: Readonly<Record<string, string>> = {
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX:
    'Node.js takes types away and runs the rest as it stands: no enum, no namespace, no parameter property. Say it in JavaScript; "erasableSyntaxOnly" in tsconfig.json has the editor tell',
  ERR_INVALID_TYPESCRIPT_SYNTAX: 'it is no TypeScript',
  ERR_UNKNOWN_FILE_EXTENSION: 'modules end in .ts, .mts, .js or .mjs',
  ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING:
    'Node.js runs no TypeScript out of node_modules: a package has to bring JavaScript',
  ERR_UNSUPPORTED_DIR_IMPORT: 'an import names a file, with its extension',
}

/** @param file that could not be imported, absolute */
export function importFault(file: string, error: unknown, from: string): GridError {
  // A setting of the application's own, which says all there is to say.
  if (isGridError(error, 'configuration_invalid')) return error
  const shown = relative(from, file) || file
  if (!(error instanceof Error))
    return new GridError('configuration_invalid', `${shown} cannot be used: it threw ${error}`)
  const place = placeOf(error, from)
  const { code } = error as NodeJS.ErrnoException
  const hint = code === 'ERR_MODULE_NOT_FOUND' ? hintForMissing(error.message) : advice[code ?? '']
  const where = place === undefined ? '' : ` (${place})`
  return new GridError(
    'configuration_invalid',
    `${shown} cannot be used: ${oneLine(error.message)}${where}${hint === undefined ? '' : `: ${hint}`}`,
    { cause: error },
  )
}

function hintForMissing(message: string): string {
  if (message.startsWith('Cannot find package')) return 'npm install it'
  return /\.[cm]?[jt]s'? imported/.test(message)
    ? 'there is no such file'
    : 'an import names a file with its extension, such as ./caches.ts'
}

/** The application's line: where a syntax error is, or where something of it was called. */
function placeOf({ stack }: Error, from: string): string | undefined {
  const first = /^(file:\/\/\S+):(\d+)$/m.exec(stack?.split('\n')[0] ?? '')
  if (first?.[1] !== undefined)
    return `${relative(from, fileURLToPath(first[1])) || first[1]}:${first[2]}`
  const line = applicationLine(stack)
  const [, path, number] = /^(.*?):(\d+):\d+$/.exec(line ?? '') ?? []
  return path === undefined ? undefined : `${relative(from, path) || path}:${number}`
}

const oneLine = (text: string): string => text.trim().replace(/\s*\n\s*/g, ' ')
