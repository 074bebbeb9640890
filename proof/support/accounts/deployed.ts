import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Space } from '@spacegrid/grid/core/definition'

/*
 * The version that is deployed: the one that a file in the data folder names when a unit starts.
 */

const versions: Readonly<Record<string, () => Promise<{ readonly default: Space }>>> = {
  first: () => import('./first.ts'),
  second: () => import('./second.ts'),
  third: () => import('./third.ts'),
}

const folder = process.env.DATA_DIR ?? ''
const name = (await readFile(join(folder, 'version'), 'utf8')).trim()
const load = versions[name]
if (!load) throw new Error(`there is no version ${name}`)

export default (await load()).default
