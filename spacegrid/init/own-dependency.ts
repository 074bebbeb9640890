import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { ownFolder, ownVersion } from '../command-line/own-package.ts'

interface InstalledPackages {
  readonly packages?: Readonly<Record<string, { readonly resolved?: string }>>
}

/**
 * How a new project depends on this package: on a version like this one, or, where this one was installed out of a file, on that file, and on the
 * sources themselves where it runs from them.
 */
export async function ownDependency(folder: string): Promise<string> {
  const own = ownFolder()
  const packages = dirname(own)
  if (!packages.endsWith('node_modules')) return `file:${relative(folder, own)}`
  const list = join(packages, '.package-lock.json')
  const installed = existsSync(list)
    ? (JSON.parse(await readFile(list, 'utf8')) as InstalledPackages)
    : {}
  const { resolved } = installed.packages?.['node_modules/spacegrid'] ?? {}
  if (!resolved?.startsWith('file:')) return `^${ownVersion()}`
  return `file:${relative(folder, resolve(dirname(packages), resolved.slice('file:'.length)))}`
}
