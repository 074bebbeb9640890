import { execFile } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { packageSources } from './package/package-sources.ts'
import { type Manifest, publishedManifest, treeFolder } from './package/published-manifest.ts'
import { compiled, withCompiledSpecifiers } from './package/specifiers.ts'
import { entries, packages } from './tidy/house.ts'
import { SourceFile } from './tidy/source-file.ts'

/**
 * Builds the package `spacegrid` into `spacegrid/dist`: JavaScript, declarations and source maps of
 * what its entries need of the whole house, in the house's own folders, so that files find each
 * other as they do in the sources. `npm run pack` makes a tarball of it.
 */
const root = fileURLToPath(new URL('..', import.meta.url))

/** Started by name, imported by nobody. */
const roles = [
  ...['data-pump/main.ts', 'data-writer/main.ts', 'data-reader/main.ts'],
  ...['deployment-manager/main.ts', 'console/main.ts', 'waiting-room/main.ts'],
]

/** Modules of a page: they name each other as the console serves them. */
const forBrowsers = /^console\/page\//

/**
 * Test tools and what proves the grid: not even by accident. What simulates a space belongs to it.
 */
const staysHome =
  /\.test\.ts$|\/test-support\/|-conformance\.ts$|^(?:bench|tests|scripts|proof\/(?!simulator\/))\//

export async function buildPackage(place: string): Promise<void> {
  const own = await readJson<Manifest>('spacegrid/package.json')
  const { engines = {} } = await readJson<Manifest>('package.json')
  const { exec: _, ...bin } = own.bin ?? {}
  const programs = [...roles, ...Object.values(bin).map((file) => join('spacegrid', file))]
  const sources = await packageSources(root, [...entries.values(), ...programs])
  const paths = [...sources.keys()]
  const strays = paths.filter((path) => staysHome.test(path))
  if (strays.length > 0) throw new Error(`The package would hold ${strays.join(', ')}`)
  const [twice] = paths.filter((path) => compiled(path) !== path && sources.has(compiled(path)))
  if (twice) throw new Error(`${twice} and ${compiled(twice)} would be one file of the package`)
  await rm(place, { recursive: true, force: true })
  await mkdir(place, { recursive: true })
  await compile(paths, place)
  for (const path of paths) await finish(path, join(place, treeFolder))
  const inside = await Promise.all(
    packages
      .filter(([, folder]) => paths.some((path) => path.startsWith(`${folder}/`)))
      .map(([, folder]) => readJson<Manifest>(join(folder, 'package.json'))),
  )
  const manifest = publishedManifest(own, inside, engines, programs)
  await writeFile(join(place, 'package.json'), json(manifest))
  for (const page of ['LICENSE', 'CHANGELOG.md', 'spacegrid/README.md'])
    await copyFile(join(root, page), join(place, basename(page)))
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies }
  const faults = await faultsOf(place, new Set(Object.keys(declared)))
  if (faults.length > 0) throw new Error(`The package is not whole:\n${faults.join('\n')}`)
  process.stdout.write(`${place}: ${paths.length} sources, ${entries.size} entries\n`)
}

async function compile(paths: readonly string[], place: string): Promise<void> {
  const configuration = join(place, 'tsconfig.json')
  const options = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      rootDir: root,
      outDir: join(place, treeFolder),
      rewriteRelativeImportExtensions: true,
      declaration: true,
      stripInternal: true,
      sourceMap: true,
      inlineSources: true,
      typeRoots: [join(root, 'node_modules/@types')],
    },
    files: paths.filter((path) => path.endsWith('.ts')).map((path) => join(root, path)),
    // Declarations of what packages keep to themselves: nobody imports them.
    include: packages.map(([, folder]) => join(root, folder, '**/*.d.ts')),
    exclude: ['**/node_modules', '**/dist'].map((folder) => join(root, folder)),
  }
  await writeFile(configuration, json(options))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  await promisify(execFile)(process.execPath, [compiler, '-p', configuration], {
    cwd: root,
  }).catch(({ stdout, stderr }) => {
    throw new Error(`tsc:\n${stdout}${stderr}`)
  })
  await rm(configuration)
}

/**
 * Makes what the compiler has left of one source fit for its place; what is no source is copied.
 */
async function finish(path: string, tree: string): Promise<void> {
  if (!path.endsWith('.ts')) {
    await mkdir(dirname(join(tree, path)), { recursive: true })
    if (basename(path) === 'package.json') {
      // A program asks it for the version, and Node for the kind of the modules beside it.
      const { version } = await readJson<Manifest>(path)
      await writeFile(join(tree, path), json({ version, type: 'module' }))
    } else await copyFile(join(root, path), join(tree, path))
    return
  }
  const script = compiled(path)
  for (const made of [script, script.replace(/\.js$/, '.d.ts')]) {
    const text = await readFile(join(tree, made), 'utf8')
    await writeFile(join(tree, made), withCompiledSpecifiers(path, text))
  }
  // The map holds the source itself. Named beside the script, it lies within the package: by that,
  // the frames of a stack that Node has mapped back are told from an application's (`own-
  // sources.ts`).
  const map = join(tree, `${script}.map`)
  const mapping = JSON.parse(await readFile(map, 'utf8')) as Record<string, unknown>
  await writeFile(map, JSON.stringify({ ...mapping, sources: [basename(path)] }))
}

/** Everything that is imported must be there, or be declared. */
async function faultsOf(place: string, declared: ReadonlySet<string>): Promise<string[]> {
  const tree = join(place, treeFolder)
  const made = await readdir(tree, { recursive: true })
  const there = new Set(made.map((path) => path.replaceAll('\\', '/')))
  const faults: string[] = []
  for (const path of there) {
    if (!/\.(?:js|d\.ts)$/.test(path) || forBrowsers.test(path)) continue
    // A declaration is read as the source it was made of: both name modules alike.
    const file = new SourceFile(
      path.replace(/\.js$/, '.ts'),
      await readFile(join(tree, path), 'utf8'),
    )
    for (const { specifier } of file.imports) {
      const target = file.resolve(specifier)
      const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? ''
      const known = target === undefined ? isBuiltin(name) || declared.has(name) : there.has(target)
      if (!known) faults.push(`${path} imports ${specifier}`)
    }
  }
  return faults
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(join(root, path), 'utf8')) as T
}

/** @returns the tarball, in the folder */
export async function packTarball(place: string, folder: string): Promise<string> {
  const words = ['pack', '--json', '--pack-destination', folder]
  const { stdout } = await promisify(execFile)('npm', words, { cwd: place, maxBuffer: 2 ** 26 })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  return join(folder, filename)
}

/**
 * Lists all packages that an installation brings, as CycloneDX, beside a tarball.
 * @returns the file
 */
export async function writeBillOfMaterials(tarball: string): Promise<string> {
  const words = [
    'sbom',
    '--omit',
    'dev',
    '--sbom-format',
    'cyclonedx',
    '--sbom-type',
    'application',
  ]
  const { stdout } = await promisify(execFile)('npm', words, { cwd: root, maxBuffer: 2 ** 26 })
  const file = tarball.replace(/\.tgz$/, '.cdx.json')
  await writeFile(file, stdout)
  return file
}

if (import.meta.main) {
  const place = join(root, 'spacegrid/dist')
  await buildPackage(place)
  if (process.argv[2] === '--pack') {
    const tarball = await packTarball(place, root)
    for (const made of [tarball, await writeBillOfMaterials(tarball)])
      process.stdout.write(`${relative(process.cwd(), made)}\n`)
  }
}
