import { historyChangesDefault, historyChangesMax } from '../../core/limits.ts'
import { invalidField } from '../../core/validation.ts'
import { type ChangePlace, type EntryChange, KeyHistory } from './key-history.ts'
import { outOfReach, type PastReach, type PastStates } from './past-states.ts'

/** A page of what has become of an entry. */
export interface ChangesPage {
  /** The newest first. */
  readonly changes: readonly EntryChange[]
  /** Cursor of the page behind this one; undefined: no more is known. */
  readonly next: string | undefined
  /** What can be asked for. */
  readonly reach: PastReach
}

/**
 * What has become of an entry, the newest first: as many changes as are wanted, or as are found in
 * some seconds.
 * @param asked `limit`: 1 to 100, 20 when left out; `cursor`: `next` of the page before
 * @throws GridError `invalid_input` for another limit or cursor, and as `PastStates.back`
 */
export async function historyPage(
  states: PastStates,
  cache: string,
  key: string,
  asked: { readonly limit?: number; readonly cursor?: string },
): Promise<ChangesPage> {
  const { cursor } = asked
  const limit = historyLimit(asked)
  const before = cursor === undefined ? undefined : placeOf(cursor)
  const reach = await states.reach()
  if (!reach) throw outOfReach('What has become of it is not known', reach)
  const { oldest, newest } = reach
  const from = before ?? { position: newest + 1, number: 0 }
  // Of a position that a page has ended within, the rest is wanted as well.
  const to = Math.min(newest, from.number > 0 ? from.position : from.position - 1)
  if (to <= oldest) return { changes: [], next: undefined, reach }
  const history = new KeyHistory(cache, key, from, limit)
  const looked = await states.back(to, history, () => history.isFull)
  const { changes } = history
  const last = changes.length === limit ? changes.at(-1) : undefined
  const rest = looked > oldest ? { position: looked + 1, number: 0 } : undefined
  const next = last ?? rest
  return { changes, next: next && cursorOf(next), reach }
}

/** @throws GridError `invalid_input` */
export function historyLimit({
  limit = historyChangesDefault,
}: {
  readonly limit?: number
}): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= historyChangesMax) return limit
  throw invalidField('limit', `must be a count from 1 to ${historyChangesMax}`)
}

/** Cursor of the page behind a change. */
export const cursorOf = ({ position, number }: ChangePlace): string => `${position}.${number}`

const cursorPattern = /^(\d{1,16})\.(\d{1,9})$/

function placeOf(cursor: string): ChangePlace {
  const [, position, number] = cursorPattern.exec(cursor) ?? []
  const place = { position: Number(position), number: Number(number) }
  if (!Number.isSafeInteger(place.position))
    throw invalidField('cursor', 'must be the `next` of a page')
  return place
}

/** What has become of the entry. `archived`: it has left memory, the store keeps it. */
export function kindOf({
  before,
  after,
  archived,
}: EntryChange): 'created' | 'changed' | 'deleted' | 'archived' {
  if (after) return before ? 'changed' : 'created'
  return archived ? 'archived' : 'deleted'
}
