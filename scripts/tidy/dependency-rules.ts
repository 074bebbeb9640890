import { isBuiltin } from 'node:module'
import type { Finding, Rule } from './rule.ts'
import type { Import, SourceFile } from './source-file.ts'

/**
 * Each is a program of its own, which meets the others on the subjects and records of the grid
 * only.
 */
const component =
  /^(?:data-pump|data-writer|data-reader|deployment-manager|console|processing-units\/[^/]+)\//

const drivers = new Set(['nats', 'mongodb', 'ioredis', 'lmdb'])

/** A test that runs on real servers, which it may look into with their drivers. */
const serverTest = /\.(?:nats|mongodb|redis|servers)\.test\.ts$/

const impureGlobals = [
  ...['Date\\.now', 'Math\\.random', 'setTimeout', 'setInterval', 'setImmediate'],
  ...['performance', 'crypto', 'process', 'console', 'fetch'],
].join('|')
const impure = new RegExp(`(?<![.\\w$#])(?:new Date\\(\\s*\\)|(?:${impureGlobals})\\b)`, 'g')

const inGrid = /^grid\/src\//
const core = /^grid\/src\/(?:space|records|replica|unit)\//

export const dependencyRules: readonly Rule[] = [
  {
    name: 'space-imports',
    advice: 'The space is pure: it imports itself, the errors and typebox, and nothing else.',
    holdsFor: (file) => file.path.startsWith('grid/core/') && !file.isTest,
    find: (file) =>
      importsWhere(file, ({ specifier }) => {
        const target = file.resolve(specifier)
        if (target === undefined) return packageOf(specifier) !== 'typebox'
        return !target.startsWith('grid/core/') && target !== 'grid/core/errors.ts'
      }),
  },
  {
    name: 'space-globals',
    advice: 'Melding is a pure function of state and frame: time, ids and chance are handed in.',
    holdsFor: (file) => file.path.startsWith('grid/core/') && !file.isTest,
    find: (file) =>
      file
        .matches(impure, file.codeOnly)
        .map(({ line, match }) => ({ line, what: `uses ${match}` })),
  },
  {
    name: 'port-imports',
    advice:
      'A port is an interface: it imports types (import type) of the space and of ports only.',
    holdsFor: (file) => file.path.startsWith('grid/engine/ports/') && !file.isTest,
    find: (file) =>
      importsWhere(file, ({ specifier, typeOnly }) => {
        const target = file.resolve(specifier) ?? ''
        return !typeOnly || !/^grid\/src\/(?:space|ports)\//.test(target)
      }),
  },
  {
    name: 'core-imports-no-adapter',
    advice: 'Dependencies point inwards: take the port, and let main.ts hand the adapter in.',
    holdsFor: (file) => core.test(file.path) && !file.isTest,
    find: (file) =>
      importsWhere(file, ({ specifier }) =>
        /^grid\/src\/(?:adapters|http)\//.test(file.resolve(specifier) ?? ''),
      ),
  },
  {
    name: 'drivers-in-adapters',
    advice: 'Only grid/drivers talks to servers and files: add what you need to a port.',
    holdsFor: ({ path }) =>
      (inGrid.test(path) || component.test(path)) &&
      !path.startsWith('grid/drivers/') &&
      !serverTest.test(path),
    find: (file) => importsWhere(file, ({ specifier }) => drivers.has(packageOf(specifier))),
  },
  {
    name: 'fastify-in-http',
    advice: 'Only grid/doors/http knows the web framework: add what you need there.',
    holdsFor: ({ path }) =>
      (inGrid.test(path) || component.test(path)) && !path.startsWith('grid/doors/http/'),
    find: (file) =>
      importsWhere(file, ({ specifier }) => /^(?:fastify$|@fastify\/)/.test(specifier)),
  },
  {
    name: 'components-apart',
    advice: 'Components import @spacegrid/grid, never each other: they meet on its records.',
    holdsFor: ({ path }) => component.test(path) || path.startsWith('grid/'),
    find: (file) => {
      const own = component.exec(file.path)?.[0] ?? 'grid/'
      return importsWhere(file, ({ specifier }) => {
        const target = file.resolve(specifier)
        if (target !== undefined) return !target.startsWith(own)
        const name = packageOf(specifier)
        if (!name.startsWith('@spacegrid/') || name === '@spacegrid/grid') return false
        return !(file.isTest && name === '@spacegrid/test-support')
      })
    },
  },
  {
    name: 'declared-packages',
    advice: 'Declare it in the package.json of the workspace that imports it.',
    holdsFor: (file) => file.isTypeScript,
    find: (file, project) => {
      const declared = project.declaredFor(file.path)
      return importsWhere(file, ({ specifier }) => {
        if (specifier.startsWith('.') || isBuiltin(specifier)) return false
        return !declared.has(packageOf(specifier))
      })
    },
  },
  {
    name: 'near-imports',
    advice: 'What is three folders away belongs to another part: import its package or move it.',
    holdsFor: (file) => file.isTypeScript,
    find: (file) => importsWhere(file, ({ specifier }) => specifier.startsWith('../../../')),
  },
]

function importsWhere(file: SourceFile, breaks: (one: Import) => boolean): Finding[] {
  return file.imports
    .filter(breaks)
    .map(({ line, specifier }) => ({ line, what: `imports ${specifier}` }))
}

/** `@fastify/swagger` of `@fastify/swagger/lib`, `nats` of `nats`. */
function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}
