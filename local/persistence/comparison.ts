import { lastOfEachKey } from '@spacegrid/grid/component/window-batch'
import type { Store, StoredEntry } from '@spacegrid/grid/ports/store'
import { decodeHeader } from '@spacegrid/grid/records/snapshot-codec'
import { decodeWindow } from '@spacegrid/grid/records/window-codec'
import type { SpaceState } from '@spacegrid/grid/space/space-state'
import { testSpace } from './test-space.ts'
import type { World } from './world.ts'

export interface StoredState {
  readonly position: number
  readonly problems: readonly string[]
}

/** Compares a store, entry by entry, with what melding gives at its checkpoint. */
export async function compareStored(world: World, store: Store): Promise<StoredState> {
  const scan = await store.scan(testSpace.name)
  if (!scan) return { position: 0, problems: [] }
  const { position, digest, entries, replicated } = scan.start
  if (position < 0) return { position: 0, problems: [] }
  const expected = world.stateAt(position)
  const problems: string[] = []
  const check = (what: string, is: unknown, should: unknown) => {
    if (JSON.stringify(is) !== JSON.stringify(should))
      problems.push(
        `${what} at ${position} is ${JSON.stringify(is)}, not ${JSON.stringify(should)}`,
      )
  }
  check('the digest', digest, expected.digest.toString())
  check('the number of entries', entries, expected.entryCount)
  check('the replicated state', decodeHeader(replicated), expected.header())
  const left = new Map<string, StoredEntry>(
    entriesOf(expected).map((entry) => [`${entry.cache}/${entry.key}`, entry]),
  )
  for await (const chunk of scan.chunks())
    for (const entry of chunk) {
      const name = `${entry.cache}/${entry.key}`
      check(name, entry, left.get(name))
      left.delete(name)
    }
  for (const name of left.keys()) problems.push(`${name} is missing at ${position}`)
  return { position, problems }
}

function entriesOf(state: SpaceState): StoredEntry[] {
  return state.layout.caches.flatMap(({ name, number }) =>
    [...state.cache(number).entries.values()].map(({ key, value, version, position }) => ({
      cache: name,
      key,
      value,
      version,
      position,
    })),
  )
}

/** Compares every window that was published with what melding changed between its two positions. */
export async function compareWindows(world: World): Promise<string[]> {
  const problems: string[] = []
  const byPosition = world.changesByPosition()
  for (const { from, to, parts } of world.windows) {
    const { changes, checkpoint } = await decodeWindow(parts, () => undefined)
    const expected = lastOfEachKey(byPosition.slice(from, to).flat())
    const text = (change: object) => JSON.stringify(change)
    if (changes.map(text).sort().join() !== expected.map(text).sort().join())
      problems.push(
        `the window from ${from} to ${to} has ${changes.length} changes, not those ${expected.length} of the log`,
      )
    if (checkpoint.digest !== world.stateAt(to).digest.toString())
      problems.push(`the window to ${to} has another digest`)
  }
  return problems
}

/** Windows that begin above the end of the one before: right only after the queue itself was damaged. */
export function findGaps(world: World): string[] {
  let reached = 0
  return world.windows.flatMap(({ from, to }) => {
    const gap =
      from > reached ? [`a window begins at ${from}, the one before ended at ${reached}`] : []
    reached = to
    return gap
  })
}
