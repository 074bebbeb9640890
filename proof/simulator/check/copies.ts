import { compareScalars } from '@spacegrid/grid/core/index-order'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { lastOfEachKey } from '@spacegrid/grid/engine/changes/window-batch'
import type { Checkpoint, StoredChange, StoredEntry } from '@spacegrid/grid/engine/ports/store'
import { decodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import type { Window } from '@spacegrid/grid/engine/wire/window-codec'
import type { Reference } from './reference.ts'
import { same, sameValue } from './same.ts'

const text = (value: unknown) => JSON.stringify(value)

/**
 * Compares a replica with the reference at its position: everything that is replicated, and its
 * indexes. architecture.md, invariants 1, 8, 9.
 */
export function compareReplica(state: SpaceState, reference: Reference): string[] {
  const { position } = state
  const passed = reference.at(position)
  if (!passed) return [`it is at ${position}, the log ends at ${reference.last}`]
  const problems: string[] = []
  const header = state.header()
  if (!same(header, passed.header))
    problems.push(`at ${position} it has ${text(header)}, not ${text(passed.header)}`)
  if (state.digest.toString() !== passed.digest)
    problems.push(`at ${position} its digest is ${state.digest}, not ${passed.digest}`)
  for (const { name, number } of state.layout.caches) {
    const { entries } = state.cache(number)
    let expected = 0
    for (const [key, { value, version, position: writtenAt }] of reference.entries(
      name,
      position,
    )) {
      expected++
      const entry = entries.get(key)
      const isSame =
        entry?.version === version && entry.position === writtenAt && sameValue(entry.value, value)
      if (isSame) continue
      const is = entry && [entry.value, entry.version, entry.position]
      problems.push(
        `at ${position} ${name}/${key} is ${text(is)}, not ${text([value, version, writtenAt])}`,
      )
    }
    if (entries.size !== expected)
      problems.push(`at ${position} ${name} has ${entries.size} entries, not ${expected}`)
    problems.push(...compareIndexes(state, number))
  }
  return problems
}

function compareIndexes(state: SpaceState, number: number): string[] {
  const layout = state.layout.cache(number)
  const entries = [...state.cache(number).entries.values()]
  return layout.orders.flatMap(({ fields }, index) => {
    const found: string[] = []
    state.scan(number, index, {}, ({ key }) => {
      found.push(key)
      return true
    })
    const expected = entries
      .filter(({ value }) => fields.every((field) => isScalar(value[field])))
      .sort((a, b) => {
        for (const field of fields) {
          const order = compareScalars(a.value[field], b.value[field])
          if (order !== 0) return order
        }
        return a.key < b.key ? -1 : 1
      })
      .map(({ key }) => key)
    return same(found, expected)
      ? []
      : [`index ${layout.name}.${index} has ${text(found)}, not ${text(expected)}`]
  })
}

const isScalar = (value: unknown): boolean =>
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && !Number.isNaN(value))

/**
 * Compares what a store holds with the reference at the store's checkpoint. `archived`: what it
 * keeps that has left memory. architecture.md, invariant 6.
 */
export function compareStored(
  checkpoint: Checkpoint,
  stored: ReadonlyMap<string, StoredEntry>,
  reference: Reference,
  archived?: ReadonlyMap<string, StoredEntry>,
): string[] {
  const { position, digest, entries, replicated } = checkpoint
  const passed = reference.at(position)
  if (!passed) return [`its checkpoint is at ${position}, the log ends at ${reference.last}`]
  const problems: string[] = []
  const check = (what: string, is: unknown, should: unknown) => {
    if (!same(is, should))
      problems.push(`${what} at ${position} is ${text(is)}, not ${text(should)}`)
  }
  check('the digest', digest, passed.digest)
  check('the number of entries', entries, passed.entries)
  check('the replicated state', decodeHeader(replicated), passed.header)
  let count = 0
  for (const cache of reference.caches)
    for (const [key, { value, version, position: writtenAt }] of reference.entries(
      cache,
      position,
    )) {
      count++
      const name = `${cache}/${key}`
      const entry = stored.get(name)
      const isSame =
        entry?.cache === cache &&
        entry.key === key &&
        entry.version === version &&
        entry.position === writtenAt &&
        sameValue(entry.value, value)
      if (!isSame) check(name, entry, { cache, key, value, version, position: writtenAt })
    }
  check('the number of stored entries', stored.size, count)
  if (!archived) return problems
  let left = 0
  for (const cache of reference.caches)
    for (const [key, version] of reference.archived(cache, position)) {
      left++
      const is = archived.get(`${cache}/${key}`)
      const isSame =
        is?.version === version.version &&
        is.position === version.position &&
        sameValue(is.value, version.value ?? {})
      if (!isSame) check(`${cache}/${key}, which has left memory,`, is, version)
    }
  check('the number of entries that have left memory', archived.size, left)
  return problems
}

/**
 * Compares a published window with what melding did between its two positions. `mayCorrect`: the
 * store was changed behind the grid, so a window may bring older entries again, as they are at its
 * end.
 */
export function compareWindow(window: Window, reference: Reference, mayCorrect: boolean): string[] {
  const { from, checkpoint, changes, events } = window
  const to = checkpoint.position
  if (to > reference.last) return [`a window ends at ${to}, the log at ${reference.last}`]
  const problems: string[] = []
  const sorted = (list: readonly StoredChange[]) =>
    list.toSorted((a, b) => (`${a.cache}/${a.key}` < `${b.cache}/${b.key}` ? -1 : 1))
  const expected = lastOfEachKey(reference.changes(from, to))
  const isExpected = ({ cache, key }: StoredChange) =>
    expected.some((change) => change.cache === cache && change.key === key)
  const corrections = mayCorrect ? changes.filter((change) => !isExpected(change)) : []
  for (const { cache, key, value, version, position } of corrections) {
    const right = new Map(reference.entries(cache, to)).get(key)
    const isRight = right
      ? same([value, version, position], [right.value, right.version, right.position])
      : value === undefined
    if (!isRight) problems.push(`the window to ${to} corrects ${cache}/${key} to ${text(value)}`)
  }
  const others = changes.filter((change) => !corrections.includes(change))
  if (!same(sorted(others), sorted(expected)))
    problems.push(
      `the window from ${from} to ${to} has the changes ${text(changes)}, not ${text(expected)}`,
    )
  const emitted = reference.events(from, to)
  if (!same(events, emitted))
    problems.push(
      `the window from ${from} to ${to} has the events ${text(events)}, not ${text(emitted)}`,
    )
  if (checkpoint.digest !== reference.at(to)?.digest)
    problems.push(`the window to ${to} has the digest ${checkpoint.digest}`)
  return problems
}
