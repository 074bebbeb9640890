import { readFile } from 'node:fs/promises'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { extname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { docsPage } from './docs-page.ts'

/** Whoever builds the package finds by these what belongs into it. */
const files: Readonly<Record<string, URL>> = {
  'index.html': new URL('./page/index.html', import.meta.url),
  'sign-in.html': new URL('./page/sign-in.html', import.meta.url),
  'icon.svg': new URL('./page/icon.svg', import.meta.url),
  'console.css': new URL('./page/console.css', import.meta.url),
  'theme.js': new URL('./page/theme.js', import.meta.url),
  'console.js': new URL('./page/console.js', import.meta.url),
  'connection.js': new URL('./page/connection.js', import.meta.url),
  'elements.js': new URL('./page/elements.js', import.meta.url),
  'words.js': new URL('./page/words.js', import.meta.url),
  'choice.js': new URL('./page/choice.js', import.meta.url),
  'charts.js': new URL('./page/charts.js', import.meta.url),
  'flow.js': new URL('./page/flow.js', import.meta.url),
  'units.js': new URL('./page/units.js', import.meta.url),
  'placement.js': new URL('./page/placement.js', import.meta.url),
  'pressure.js': new URL('./page/pressure.js', import.meta.url),
  'scaling.js': new URL('./page/scaling.js', import.meta.url),
  'visitor.js': new URL('./page/visitor.js', import.meta.url),
  'seats.js': new URL('./page/seats.js', import.meta.url),
  'auction.js': new URL('./page/auction.js', import.meta.url),
  'look.js': new URL('./page/look.js', import.meta.url),
}

/** The client's entry: its folder, and the core's, are where its modules are. */
const client = new URL('../spacegrid/client/index.ts', import.meta.url)
const extension = extname(fileURLToPath(client))
const root = fileURLToPath(new URL('../..', client))
const moduleFolders = ['spacegrid/client/', 'grid/core/'] as const

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

export interface PageFile {
  readonly type: string
  readonly text: string
}

/**
 * What the page consists of, by its path below `/console/`; undefined: nothing. There is no build:
 * browsers are given modules as they are written, the client's without their types.
 */
export async function pageFile(path: string): Promise<PageFile | undefined> {
  const found = Object.hasOwn(files, path) ? files[path] : undefined
  if (found) return await read(fileURLToPath(found))
  if (path === 'client.js')
    return script(`export * from '/console/modules/spacegrid/client/index${extension}'\n`)
  if (path === 'uplot.js' || path === 'uplot.css') {
    const require = createRequire(import.meta.url)
    const name = path === 'uplot.js' ? 'uPlot.esm.js' : 'uPlot.min.css'
    return await read(require.resolve(`uplot/dist/${name}`))
  }
  if (path.startsWith('doc/')) {
    const text = await docsPage(path.slice('doc/'.length))
    return text === undefined ? undefined : { type: 'text/html; charset=utf-8', text }
  }
  if (!path.startsWith('modules/')) return undefined
  return await moduleFile(path.slice('modules/'.length))
}

async function moduleFile(path: string): Promise<PageFile | undefined> {
  const isOurs = moduleFolders.some((folder) => path.startsWith(folder))
  if (!isOurs || posix.normalize(path) !== path || !path.endsWith(extension)) return undefined
  if (!/^[a-z0-9/.-]+$/.test(path)) return undefined
  try {
    const text = await readFile(join(root, path), 'utf8')
    return script(extension === '.ts' ? withoutTypes(text) : text)
  } catch {
    // There is no such module.
    return undefined
  }
}

/** Packages name each other's modules without their endings; browsers know neither. */
const withoutTypes = (text: string): string =>
  withoutWarning(() => stripTypeScriptTypes(text)).replaceAll(
    /(['"])@spacegrid\/grid\/([a-z0-9/-]+)\1/g,
    (_, quote: string, path: string) => `${quote}/console/modules/grid/${path}.ts${quote}`,
  )

/** Node calls it experimental, which is nothing to whoever has started a grid. */
function withoutWarning<Made>(make: () => Made): Made {
  const { emitWarning } = process
  process.emitWarning = () => undefined
  try {
    return make()
  } finally {
    process.emitWarning = emitWarning
  }
}

async function read(path: string): Promise<PageFile> {
  const text = await readFile(path, 'utf8')
  return { type: types[extname(path)] ?? 'text/javascript; charset=utf-8', text }
}

const script = (text: string): PageFile => ({ type: 'text/javascript; charset=utf-8', text })
