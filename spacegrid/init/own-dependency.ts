import { readFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { ownFolder, ownVersion } from '../command-line/own-package.ts'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const ofFile = 'file:'

/**
 * How a new project depends on this package: on a version like this one, or, where this one was
 * installed out of a file, on that file, and on the sources themselves where it runs from them.
 */
export async function ownDependency(folder: string): Promise<string> {
  const own = ownFolder()
  const packages = dirname(own)
  if (basename(packages) !== 'node_modules') return `${ofFile}${relative(folder, own)}`
  const installer = dirname(packages)
  const wanted = await dependencyIn(join(installer, 'package.json'))
  if (!wanted?.startsWith(ofFile)) return `^${ownVersion()}`
  return `${ofFile}${relative(folder, resolve(installer, wanted.slice(ofFile.length)))}`
}

async function dependencyIn(file: string): Promise<string | undefined> {
  // Whoever has unpacked it by hand has no package.json of their own.
  const text = await readFile(file, 'utf8').catch(() => '{}')
  const { dependencies, devDependencies } = JSON.parse(text) as Manifest
  return dependencies?.spacegrid ?? devDependencies?.spacegrid
}
