import { posix } from 'node:path'
import { compiled } from './specifiers.ts'

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly engines?: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  /** Each is optional: installed by those who use what needs it. */
  readonly peerDependencies?: Readonly<Record<string, string>>
}

export interface PublishedManifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/** The folder of the compiled tree in the package. */
export const treeFolder = 'lib'

const place = (file: string) => `./${posix.join(treeFolder, 'spacegrid', compiled(file))}`

/**
 * The manifest that is published: the workspace's own, with its entries compiled, everything else
 * closed, and all that the workspaces inside it depend on.
 *
 * @param inside the manifests of the workspaces whose sources are in the package
 * @param programs compiled files that do something when they are imported
 */
export function publishedManifest(
  own: Manifest,
  inside: readonly Manifest[],
  engines: Readonly<Record<string, string>>,
  programs: readonly string[],
): PublishedManifest {
  const entries = Object.entries(own.exports ?? {}).filter(([name]) => !name.includes('*'))
  const peers = union(inside, 'peerDependencies')
  // `exec` is for the scripts of the repository.
  const { exec: _, ...bin } = own.bin ?? {}
  return {
    name: own.name,
    version: own.version,
    description: own.description,
    keywords: ['data grid', 'in-memory', 'space-based architecture', 'cqrs', 'nats', 'mongodb'],
    license: own.license,
    type: 'module',
    engines,
    bin: Object.fromEntries(Object.entries(bin).map(([name, file]) => [name, place(file)])),
    files: [treeFolder, 'CHANGELOG.md'],
    sideEffects: programs.map((program) => `./${posix.join(treeFolder, compiled(program))}`),
    exports: {
      ...Object.fromEntries(
        entries.map(([name, file]) => [
          name,
          { types: place(file).replace(/\.js$/, '.d.ts'), default: place(file) },
        ]),
      ),
      './package.json': './package.json',
    },
    dependencies: union(inside, 'dependencies'),
    peerDependencies: peers,
    peerDependenciesMeta: Object.fromEntries(
      Object.keys(peers).map((name) => [name, { optional: true }]),
    ),
  }
}

/** @throws Error when two want different versions of one package */
function union(
  manifests: readonly Manifest[],
  kind: 'dependencies' | 'peerDependencies',
): Record<string, string> {
  const versions = new Map<string, string>()
  for (const { name: workspace, [kind]: dependencies = {} } of manifests)
    for (const [name, version] of Object.entries(dependencies)) {
      if (name === 'spacegrid' || name.startsWith('@spacegrid/')) continue
      const other = versions.get(name) ?? version
      if (other !== version)
        throw new Error(`${workspace} wants ${name} ${version}, another workspace ${other}`)
      versions.set(name, version)
    }
  return Object.fromEntries([...versions].sort(([left], [right]) => (left < right ? -1 : 1)))
}
