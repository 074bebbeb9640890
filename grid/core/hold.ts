import { isData } from './data.ts'
import type { Value } from './data-types.ts'
import type { Write } from './evaluation.ts'
import { freezeDeeply } from './freeze.ts'
import { areTerms, type HeldRange, isCount, isKey, isObject, isRange } from './hold-terms.ts'
import { holdWeightMax } from './limits.ts'
import type { DomainEvent, HoldTerms } from './steps.ts'

/**
 * What a prepare leaves behind: read and to be written, decided, and not there yet. It is shared on
 * what was read and exclusive on what will be written, until it is finished. docs/decisions/0033.
 */
export interface Hold extends HoldTerms {
  /** Log time at which it was prepared, ms. */
  readonly since: number
  /** Identity of the transaction that was prepared. */
  readonly id: number
  readonly reads: readonly (readonly [cache: number, key: string])[]
  readonly ranges: readonly HeldRange[]
  readonly writes: readonly Write[]
  readonly events: readonly DomainEvent[]
}

/**
 * The entry of `_holds`: plain data, as every store keeps it. Names in it are short, for they are
 * stored with each.
 */
export function holdValue(hold: Hold): Value {
  const { attempt, partition, coordinator, participants, notAfter, since, id, key } = hold
  return freezeDeeply({
    key: attempt,
    partition,
    coordinator,
    participants,
    notAfter,
    since,
    id,
    ...(key === undefined ? {} : { remembers: key }),
    reads: hold.reads,
    ranges: hold.ranges.map(({ cache, index, range }) => [cache, index, range]),
    writes: hold.writes.map(({ cache, key, value, version }) =>
      value === undefined ? [cache, key, version] : [cache, key, version, value],
    ),
    events: hold.events.map(({ name, payload }) => [name, payload]),
  }) as Value
}

const parsed = new WeakMap<Value, Hold | false>()

/** What an entry of `_holds` says; undefined when it is none: nobody but a prepare writes one. */
export function readHold(value: Value | undefined): Hold | undefined {
  if (value === undefined) return undefined
  let hold = parsed.get(value)
  if (hold === undefined) {
    hold = parse(value) ?? false
    parsed.set(value, hold)
  }
  return hold || undefined
}

function parse(value: Value): Hold | undefined {
  const { key: attempt, partition, coordinator, participants, notAfter, since, id } = value
  const terms = { attempt, partition, coordinator, participants, notAfter, key: value.remembers }
  if (!areTerms(terms) || !isCount(id) || typeof since !== 'number') return undefined
  const reads = listOf(value.reads, (it) => (isCount(it[0]) && isKey(it[1]) ? it : undefined))
  const ranges = listOf(value.ranges, ([cache, index, range]) =>
    isCount(cache) && isCount(index) && isRange(range) ? { cache, index, range } : undefined,
  )
  const writes = listOf(value.writes, ([cache, key, version, held]) =>
    isCount(cache) && isKey(key) && isCount(version) && (held === undefined || isObject(held))
      ? { cache, key, version, value: held }
      : undefined,
  )
  const events = listOf(value.events, ([name, payload]) =>
    typeof name === 'string' ? { name, payload: payload as Value } : undefined,
  )
  if (!reads || !ranges || !writes || !events) return undefined
  const rest = { ranges, writes, events, since, id }
  return { ...terms, ...rest, reads: reads as unknown as Hold['reads'] }
}

/** undefined when one of the items is none of them. */
function listOf<T>(
  list: unknown,
  read: (item: readonly unknown[]) => T | undefined,
): T[] | undefined {
  if (!Array.isArray(list)) return undefined
  const items: T[] = []
  for (const item of list) {
    const one = Array.isArray(item) ? read(item) : undefined
    if (one === undefined) return undefined
    items.push(one)
  }
  return items
}

/** Whether every store can keep the hold. */
export const isKeepable = ({ writes, events }: Hold, value: Value): boolean =>
  weigh(value, holdWeightMax) >= 0 &&
  writes.every((write) => write.value === undefined || isData(write.value)) &&
  events.every(({ name, payload }) => typeof name === 'string' && isData(payload))

/** What is left of the room behind it; below zero: it does not fit. */
function weigh(value: unknown, room: number): number {
  let left = room - 20
  if (typeof value === 'string') return left - 3 * value.length
  if (typeof value !== 'object' || value === null) return left
  if (ArrayBuffer.isView(value)) return left - value.byteLength
  for (const name in value) {
    if (left < 0) return left
    left = weigh((value as Value)[name], left - 3 * name.length)
  }
  return left
}
