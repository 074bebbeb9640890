import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface Manifest {
  readonly name?: string
  readonly version?: string
}

/** Of this package: the nearest folder above whose `package.json` has its name. */
export const ownFolder = (): string => find().folder

export const ownVersion = (): string => find().version

function find(): { readonly folder: string; readonly version: string } {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (!existsSync(file)) continue
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as Manifest
    if (name === 'spacegrid' && version !== undefined) return { folder, version }
  }
  throw new Error('the package.json of spacegrid is not there')
}
