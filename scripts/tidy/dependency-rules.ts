import { isBuiltin } from 'node:module'
import { entries, fileOf, roomOf, runsUphill } from './house.ts'
import type { Finding, Rule } from './rule.ts'
import type { Import, SourceFile } from './source-file.ts'

/**
 * Each is a program of its own, which meets the others on the subjects and records of the grid
 * only.
 */
const role =
  /^(?:data-pump|data-writer|data-reader|deployment-manager|console|processing-units\/[^/]+)\//

const drivers = new Set(['nats', 'mongodb', 'ioredis', 'lmdb'])

/** A test that runs on real servers, which it may look into with their drivers. */
const serverTest = /\.(?:nats|mongodb|redis|servers)\.test\.ts$/
/** What only tests use may stand beside them. */
const forTests = /(?:\.test\.ts$|\/test-support\/)/

const impureGlobals = [
  ...['Date\\.now', 'Math\\.random', 'setTimeout', 'setInterval', 'setImmediate'],
  ...['performance', 'crypto', 'process', 'console', 'fetch'],
].join('|')
const impure = new RegExp(`(?<![\\w.$#])(?:new Date\\(\\s*\\)|(?:${impureGlobals})\\b)`, 'g')

const isApplication = (path: string) =>
  path.startsWith('processing-units/') && !path.startsWith('processing-units/runtime/')

const ships = (path: string) =>
  (path.startsWith('grid/') && !path.startsWith('grid/kit/')) || role.test(path)

export const dependencyRules: readonly Rule[] = [
  {
    name: 'rooms',
    advice: 'Say on which storey it stands (scripts/tidy/house.ts): elsewhere nothing is downhill.',
    holdsFor: ({ path }) => path.endsWith('.ts') && path.includes('/'),
    find: ({ path }) =>
      roomOf(path) === undefined ? [{ line: 1, what: 'is in no room of the house' }] : [],
  },
  {
    name: 'downhill',
    advice: 'Imports run downhill only (scripts/tidy/house.ts): move what is needed below.',
    holdsFor: ({ path }) => path.endsWith('.ts') && !forTests.test(path),
    find: (file) =>
      importsWhere(file, ({ specifier }) => {
        const target = fileOf(file.path, specifier)
        return target !== undefined && runsUphill(file.path, target)
      }),
  },
  {
    name: 'no-circles',
    advice:
      'Files that import each other are one file in two: part them along what is known first.',
    holdsFor: (file) => file.isTypeScript && !file.isTest,
    find: (file, project) => {
      const others = project.circleOf(file.path).filter((path) => path !== file.path)
      return others.length === 0
        ? []
        : [{ line: 1, what: `is in a circle with ${others.join(', ')}` }]
    },
  },
  {
    name: 'core-imports',
    advice: 'The core is pure: it imports itself and typebox, and nothing else.',
    holdsFor: (file) => file.path.startsWith('grid/core/') && !file.isTest,
    find: (file) =>
      importsWhere(file, ({ specifier }) => {
        const target = file.resolve(specifier)
        if (target === undefined) return packageOf(specifier) !== 'typebox'
        return !target.startsWith('grid/core/')
      }),
  },
  {
    name: 'core-globals',
    advice: 'Melding is a pure function of state and frame: time, ids and chance are handed in.',
    holdsFor: (file) => file.path.startsWith('grid/core/') && !file.isTest,
    find: (file) =>
      file
        .matches(impure, file.codeOnly)
        .map(({ line, match }) => ({ line, what: `uses ${match}` })),
  },
  {
    name: 'port-imports',
    advice: 'A port is an interface: it imports types (import type) of the core and of ports only.',
    holdsFor: (file) => file.path.startsWith('grid/engine/ports/') && !file.isTest,
    find: (file) => importsWhere(file, ({ typeOnly }) => !typeOnly),
  },
  {
    name: 'kit-stays-home',
    advice:
      'The kit proves the others: of what ships, only what tests and simulates spaces has it.',
    holdsFor: ({ path }) =>
      (ships(path) || path.startsWith('spacegrid/')) &&
      !forTests.test(path) &&
      !/^(?:grid\/kit|spacegrid\/(?:testing|simulate))\//.test(path),
    find: (file) =>
      importsWhere(
        file,
        ({ specifier }) => roomOf(fileOf(file.path, specifier) ?? '') === 'grid/kit',
      ),
  },
  {
    name: 'test-tools-stay-home',
    advice: 'What ships, the simulator included, imports no test tool: conformance suites do.',
    holdsFor: ({ path }) => /^(?:spacegrid|grid|proof\/simulator)\//.test(path) || role.test(path),
    find: (file) =>
      file.isTest || forTests.test(file.path) || /^grid\/kit\/.*-conformance\.ts$/.test(file.path)
        ? []
        : importsWhere(file, ({ specifier }) => packageOf(specifier) === 'vitest'),
  },
  {
    name: 'drivers-in-drivers',
    advice: 'Only grid/drivers talks to servers and files: add what you need to a port.',
    holdsFor: ({ path }) =>
      ships(path) && !path.startsWith('grid/drivers/') && !serverTest.test(path),
    find: (file) => importsWhere(file, ({ specifier }) => drivers.has(packageOf(specifier))),
  },
  {
    name: 'drivers-apart',
    advice: 'No driver knows another: what two need is a port, or stands in grid/drivers/system.',
    holdsFor: ({ path }) => /^grid\/drivers\/[^/]+\//.test(path) && !forTests.test(path),
    find: (file) => {
      const own = driverOf(file.path)
      return importsWhere(file, ({ specifier }) => {
        const other = driverOf(fileOf(file.path, specifier) ?? '')
        return other !== undefined && other !== own && other !== 'system'
      })
    },
  },
  {
    name: 'fastify-in-http',
    advice: 'Only grid/doors/http and admin know the web framework: add what you need there.',
    holdsFor: ({ path }) => ships(path) && !/^grid\/doors\/(?:http|admin)\//.test(path),
    find: (file) =>
      importsWhere(file, ({ specifier }) => /^(?:fastify$|@fastify\/)/.test(specifier)),
  },
  {
    name: 'roles-apart',
    advice: 'Roles import the grid, never each other: they meet on its records.',
    holdsFor: ({ path }) => ships(path) && !forTests.test(path),
    find: (file) => {
      const own = role.exec(file.path)?.[0] ?? 'grid/'
      return importsWhere(file, ({ specifier }) => {
        const target = fileOf(file.path, specifier)
        if (target === undefined || target.startsWith(own) || target.startsWith('grid/'))
          return false
        return !(isApplication(file.path) && target.startsWith('spacegrid/'))
      })
    },
  },
  {
    name: 'applications-outside',
    advice:
      'Applications live on what is published (spacegrid/package.json), as those of others do.',
    holdsFor: ({ path }) => isApplication(path),
    find: (file) =>
      importsWhere(file, ({ specifier }) => {
        const target = fileOf(file.path, specifier)
        if (target === undefined || entries.has(specifier)) return false
        return roomOf(target) !== 'processing-units'
      }),
  },
  {
    name: 'declared-packages',
    advice: 'Declare it in the package.json of the workspace that imports it.',
    holdsFor: (file) => file.isTypeScript,
    find: (file, project) => {
      const declared = project.declaredFor(file.path)
      return importsWhere(file, ({ specifier }) => {
        if (specifier.startsWith('.') || isBuiltin(specifier)) return false
        if (declared.has(packageOf(specifier))) return false
        // Tests may look at any part of the house.
        return !(forTests.test(file.path) && fileOf(file.path, specifier) !== undefined)
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

function driverOf(path: string): string | undefined {
  return /^grid\/drivers\/([^/]+)\//.exec(path)?.[1]
}
