import { posix } from 'node:path'
import published from '../../spacegrid/package.json' with { type: 'json' }

const { join } = posix

/** What own packages are called, and the folder that each is. */
export const packages: readonly (readonly [name: string, folder: string])[] = [
  ['@spacegrid/grid', 'grid'],
  ['@spacegrid/runtime', 'processing-units/runtime'],
  ['@spacegrid/ticketing', 'processing-units/ticketing'],
  ['@spacegrid/auction', 'processing-units/auction'],
  ['@spacegrid/data-pump', 'data-pump'],
  ['@spacegrid/data-writer', 'data-writer'],
  ['@spacegrid/data-reader', 'data-reader'],
  ['@spacegrid/waiting-room', 'waiting-room'],
  ['@spacegrid/console', 'console'],
  ['@spacegrid/deployment-manager', 'deployment-manager'],
  ['@spacegrid/proof', 'proof'],
  ['@spacegrid/bench', 'bench'],
  ['spacegrid', 'spacegrid'],
]

/** What applications import, and the file that each is: `exports` of `spacegrid/package.json`. */
export const entries: ReadonlyMap<string, string> = new Map(
  Object.entries(published.exports as Readonly<Record<string, string>>)
    .filter(([name]) => !name.includes('*'))
    .map(([name, file]) => [join('spacegrid', name), join('spacegrid', file)]),
)

/**
 * The storeys of the house, the ground first. A room imports what lies below it, never what lies
 * above or beside it on the same storey.
 */
const storeys: readonly (readonly string[])[] = [
  ['grid/core'],
  ['grid/engine/ports'],
  ['grid/engine/life'],
  ['grid/engine/wire'],
  [
    ...['grid/engine/memory', 'grid/engine/placement', 'grid/engine/replica'],
    ...['grid/engine/changes', 'grid/engine/load'],
  ],
  ['grid/engine/agreement', 'grid/engine/past', 'grid/engine/measure'],
  ['grid/drivers'],
  ['grid/doors/request'],
  ['grid/doors/events'],
  ['grid/doors/http', 'grid/doors/nats'],
  ['grid/doors/admin'],
  ['grid/program'],
  [
    ...['processing-units/runtime', 'data-pump', 'data-writer', 'data-reader'],
    ...['deployment-manager', 'console'],
  ],
  // It keeps its lines in a space, by a processing unit of its own.
  ['waiting-room'],
  ['grid/kit'],
  // The published face, as applications see it.
  [
    'spacegrid/index.ts',
    'spacegrid/settings',
    'spacegrid/client',
    'spacegrid/testing',
    'spacegrid/program',
  ],
  ['processing-units'],
  // Simulated grids, for our own workloads and for the spaces of those who install us.
  ['proof/simulator'],
  ['spacegrid'],
  // The proof's own programs are commands, as those of spacegrid are.
  ['proof', 'proof/simulator/main.ts', 'proof/simulator/prove.ts'],
  ['bench'],
  ['tests'],
  ['scripts'],
]

const storeyOf = new Map(
  storeys.flatMap((rooms, storey) => rooms.map((room) => [room, storey] as const)),
)

/** The file that an import means, from the root; undefined for what is not of this house. */
export function fileOf(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return new URL(specifier, `file:///${path}`).pathname.slice(1)
  const published = entries.get(specifier)
  if (published !== undefined) return published
  for (const [name, folder] of packages)
    if (specifier.startsWith(`${name}/`)) return `${folder}${specifier.slice(name.length)}.ts`
  return undefined
}

/** The room that a file is in: the deepest one of the storeys. Files at the root are in none. */
export function roomOf(path: string): string | undefined {
  const parts = path.split('/')
  for (; parts.length > 0; parts.pop()) {
    const room = parts.join('/')
    if (storeyOf.has(room)) return room
  }
  return undefined
}

/** Whether an import runs up, or across to a neighbour. */
export function runsUphill(from: string, to: string): boolean {
  const [here, there] = [roomOf(from), roomOf(to)]
  if (here === undefined || there === undefined || here === there) return false
  return (storeyOf.get(there) ?? 0) >= (storeyOf.get(here) ?? 0)
}
