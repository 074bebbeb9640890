import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { Failure } from '../command-line/failure.ts'
import { ownDependency } from './own-dependency.ts'

/**
 * What a new project begins with, as text; `{{name}}` and `{{space}}` are its own. Their extension
 * keeps them from being taken for sources.
 */
const templates: Readonly<Record<string, URL>> = {
  'space.ts': new URL('./template/space.ts.txt', import.meta.url),
  'space.test.ts': new URL('./template/space-test.ts.txt', import.meta.url),
  'README.md': new URL('./template/README.md.txt', import.meta.url),
  Dockerfile: new URL('./template/Dockerfile.txt', import.meta.url),
  'docker-compose.yml': new URL('./template/docker-compose.yml.txt', import.meta.url),
  'docker-compose.r3.yml': new URL('../../docker-compose.r3.yml', import.meta.url),
  'docker-compose.external.yml': new URL('../../docker-compose.external.yml', import.meta.url),
  'gateway.cfg': new URL('../../gateway/haproxy.cfg', import.meta.url),
}

const packageName = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const nameLengthMax = 64
/**
 * Names of spaces that MongoDB or the grid has for itself, and of what every project depends on.
 */
const taken = ['grid', 'system', 'spacegrid']

export interface Project {
  readonly name: string
  /** Absolute. */
  readonly folder: string
  readonly files: readonly string[]
}

/**
 * Writes a new project: a space, its test, what runs it in containers. It depends on this package
 * only.
 * @param place its folder, whose last part is its name
 * @throws Failure when the name is none, or the folder is in use
 */
export async function writeProject(place: string): Promise<Project> {
  const folder = resolve(place)
  const name = basename(folder)
  const space = name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  if (!packageName.test(name) || name.length > nameLengthMax || taken.includes(space))
    throw new Failure(
      `${JSON.stringify(name)} cannot be the name of a project: lower-case letters, digits and dashes, such as ticket-shop; not ${taken.join(', ')}`,
      2,
    )
  await checkFree(folder)
  await mkdir(folder, { recursive: true })
  const texts: Record<string, string> = {
    'package.json': json(await manifest(name, folder)),
    'tsconfig.json': json(compilerOptions),
    '.gitignore': 'node_modules/\n.spacegrid/\nsecrets/\n',
    '.dockerignore': 'node_modules/\n.spacegrid/\n.git/\nsecrets/\n',
  }
  for (const [file, template] of Object.entries(templates))
    texts[file] = (await readFile(template, 'utf8'))
      .replaceAll('{{name}}', name)
      .replaceAll('{{space}}', space)
      // Those of this repository have more services, and call them after the role.
      .replace(/^ {2}(?:console|waiting-room|deployment-manager):.*\n(?: {4}.*\n)*/gm, '')
      .replaceAll(/^ {2}processing-unit:|processing-unit(?==\d)/gm, (service) =>
        service.replace('processing-unit', 'unit'),
      )
  for (const [file, text] of Object.entries(texts)) await writeFile(join(folder, file), text)
  return { name, folder, files: Object.keys(texts).sort() }
}

async function checkFree(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new Failure(`${folder} cannot be used: ${error.message}`, 2)
  })
  if (found.length > 0)
    throw new Failure(
      `${relative(process.cwd(), folder) || folder} is not empty (${found.slice(0, 3).join(', ')}): name a folder that is not there yet`,
      2,
    )
}

const manifest = async (name: string, folder: string) => ({
  name,
  version: '0.1.0',
  private: true,
  type: 'module',
  engines: { node: '>=24' },
  scripts: {
    start: 'spacegrid start',
    dev: 'spacegrid start --watch',
    cluster: 'spacegrid cluster',
    check: 'spacegrid check',
    test: 'node --test',
  },
  dependencies: { spacegrid: await ownDependency(folder) },
})

/**
 * For editors, and for who checks types: Node.js takes them away, and needs syntax that it can take
 * away.
 */
const compilerOptions = {
  compilerOptions: {
    target: 'esnext',
    module: 'nodenext',
    types: ['node'],
    noEmit: true,
    strict: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
  },
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
