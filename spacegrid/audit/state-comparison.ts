import type { Entry } from '@spacegrid/grid/core/entry'
import { hashString } from '@spacegrid/grid/core/hash'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { Digest } from '@spacegrid/grid/core/version'
import { fingerprintOf } from '@spacegrid/grid/engine/agreement/fingerprint'
import { Turns } from '@spacegrid/grid/engine/life/turns'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'

/** One key that two copies have differently. */
export interface Difference {
  readonly cache: string
  readonly key: string
  /**
   * `missing`: the copy does not have it; `extra`: only the copy has it; `value`: under the same
   * version.
   */
  readonly kind: 'missing' | 'extra' | 'version' | 'value'
  /** Of the reference; undefined: it has no such entry. */
  readonly expectedVersion: number | undefined
  readonly version: number | undefined
}

export interface StateComparison {
  /** Digest of everything in the copy's entries: keys, versions and values. */
  readonly contentDigest: string
  /** The first of them, up to the limit. */
  readonly differences: readonly Difference[]
  readonly differenceCount: number
  /**
   * Digest of all differences: copies that are wrong alike have the same; 0 when there are none.
   */
  readonly signature: number
  /** What else differs of the replicated state: origins, definition, log time. */
  readonly headerDifferences: readonly string[]
}

const entriesAtOnce = 200

/**
 * Compares two states of one position, entry by entry; others have a turn every few milliseconds.
 */
export async function compareStates(
  reference: SpaceState,
  copy: SpaceState,
  clock: Clock,
  differencesMax: number,
): Promise<StateComparison> {
  if (reference.position !== copy.position)
    throw new Error(`states of ${reference.position} and ${copy.position} cannot be compared`)
  const turns = new Turns(clock)
  const content = new Digest()
  const differences: Difference[] = []
  let differenceCount = 0
  let signature = 0
  const note = (cache: string, key: string, expected: Entry | undefined, found?: Entry) => {
    const kind = kindOf(expected, found)
    const { version: expectedVersion } = expected ?? {}
    const { version } = found ?? {}
    differenceCount++
    const print = found ? fingerprintOf(found.version, found.value) : 0
    signature = (signature + hashString(`${cache} ${key} ${print}`)) % 2 ** 52
    if (differences.length < differencesMax)
      differences.push({ cache, key, kind, expectedVersion, version })
  }
  let count = 0
  for (const { name } of copy.layout.caches) {
    const expected = entriesOf(reference, name)
    const found = entriesOf(copy, name)
    for (const [key, entry] of found) {
      const print = fingerprintOf(entry.version, entry.value)
      content.toggle(copy.layout.named(name)?.number ?? 0, hashString(key), print)
      const other = expected.get(key)
      if (!other || fingerprintOf(other.version, other.value) !== print)
        note(name, key, other, entry)
      if (++count % entriesAtOnce === 0) await turns.pause()
    }
  }
  for (const { name } of reference.layout.caches) {
    const found = entriesOf(copy, name)
    for (const [key, entry] of entriesOf(reference, name)) {
      if (!found.has(key)) note(name, key, entry)
      if (++count % entriesAtOnce === 0) await turns.pause()
    }
  }
  return {
    contentDigest: content.toString(),
    differences,
    differenceCount,
    signature,
    headerDifferences: headerDifferences(reference, copy),
  }
}

function kindOf(expected: Entry | undefined, found: Entry | undefined): Difference['kind'] {
  if (!found) return 'missing'
  if (!expected) return 'extra'
  return expected.version === found.version ? 'value' : 'version'
}

function entriesOf(state: SpaceState, cache: string): ReadonlyMap<string, Entry> {
  const layout = state.layout.named(cache)
  return layout ? state.cache(layout.number).entries : new Map()
}

function headerDifferences(reference: SpaceState, copy: SpaceState): string[] {
  const expected = reference.header()
  const found = copy.header()
  return (['time', 'shape', 'origins'] as const).filter(
    (part) => JSON.stringify(expected[part]) !== JSON.stringify(found[part]),
  )
}
