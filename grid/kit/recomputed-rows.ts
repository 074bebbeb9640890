import type { Value } from '../core/data-types.ts'
import type { AggregatePlan, Picked } from '../core/projection/aggregate.ts'
import type { AnyProjection } from '../core/projection/projection.ts'

/** The entries of a cache by key, as the application reads them. */
export type EntriesOf = (cache: string) => Iterable<readonly [key: string, entry: Value]>

interface Item {
  readonly id: string
  readonly value: Value
}

/**
 * The rows of a projection, by key, made anew of all entries that there are, as plainly as it can
 * be told: lists that are looked through again for every value. What incremental rows are measured
 * against.
 */
export function recomputedRows(
  projection: AnyProjection,
  entriesOf: EntriesOf,
): Map<string, Record<string, unknown>> {
  const { where = () => true, select = (entry: Value) => entry, aggregates, groupBy } = projection
  const items = itemsOf(projection, entriesOf)
    .filter(({ value }) => where(value))
    .map(({ id, value }): Item => ({ id, value: select(value) as Value }))
  if (!aggregates) return new Map(items.map(({ id, value }) => [id, { ...value }]))
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const by = groupBy.map((field) => item.value[field])
    if (!by.every(isScalar)) continue
    const key = keyOf(by)
    groups.set(key, [...(groups.get(key) ?? []), item])
  }
  const rows = new Map<string, Record<string, unknown>>()
  for (const [key, members] of groups) {
    const [first] = members as [Item]
    const row: Record<string, unknown> = {}
    for (const field of groupBy) row[field] = first.value[field]
    for (const [name, { plan }] of Object.entries(aggregates)) {
      const value = aggregated(plan, members)
      if (value !== undefined) row[name] = value
    }
    rows.set(key, row)
  }
  return rows
}

function itemsOf({ source, caches }: AnyProjection, entriesOf: EntriesOf): Item[] {
  if ('plan' in source) {
    const { left, right, on, to, outer, select } = source.plan
    const others = [...entriesOf(right.name)]
    return [...entriesOf(left.name)].flatMap(([leftKey, one]) => {
      const partners = isScalar(one[on]) ? others.filter(([, other]) => other[to] === one[on]) : []
      const idOf = (rightKey: string) => (to === right.key ? leftKey : keyOf([leftKey, rightKey]))
      const pairs = partners.map(([rightKey, other]) => ({
        id: idOf(rightKey),
        value: select(one, other) as Value,
      }))
      return pairs.length === 0 && outer
        ? [{ id: idOf(''), value: select(one, undefined) as Value }]
        : pairs
    })
  }
  const isOne = !Array.isArray(source)
  return caches.flatMap(({ name }) =>
    Array.from(entriesOf(name), ([key, value]) => ({ id: isOne ? key : `${name}/${key}`, value })),
  )
}

const keyOf = (by: readonly unknown[]): string => {
  if (by.length === 0) return 'all'
  if (by.length === 1) return String(by[0])
  const part = (value: unknown) =>
    String(value).replace(/[%/]/g, (sign) => (sign === '%' ? '%25' : '%2F'))
  return by.map(part).join('/')
}

function aggregated(plan: AggregatePlan, items: readonly Item[]): unknown {
  const values = items.map(({ value }) => value)
  switch (plan.kind) {
    case 'count': {
      const where = plan.where as ((item: Value) => unknown) | undefined
      return where ? values.filter((value) => where(value)).length : values.length
    }
    case 'sum':
      return exactSum(picked(plan.of, values).filter((it) => typeof it === 'number'))
    case 'min':
      return picked(plan.of, values).filter(isScalar).sort(compare)[0]
    case 'max':
      return picked(plan.of, values).filter(isScalar).sort(compare).at(-1)
    case 'top': {
      const { by, lowest, show, count } = plan
      const ranked = items
        .filter(({ value }) => isScalar(value[by]))
        .sort((a, b) => compare(a.value[by], b.value[by]) || (a.id < b.id ? -1 : 1))
      if (!lowest) ranked.reverse()
      const shown = (value: Value) =>
        show === undefined
          ? { ...value }
          : Object.fromEntries(
              Object.entries(value).filter(([name]) => name === by || show.includes(name)),
            )
      return ranked.slice(0, count).map(({ value }) => shown(value))
    }
    case 'fold': {
      const add = plan.add as unknown as (value: unknown, item: Value) => unknown
      return values.reduce<unknown>((folded, value) => add(folded, value), plan.initial)
    }
  }
}

const picked = (of: Picked, values: readonly Value[]): unknown[] =>
  values.map((value) =>
    typeof of === 'string' ? value[of] : (of as unknown as (item: Value) => unknown)(value),
  )

const types = ['boolean', 'number', 'string']

const isScalar = (value: unknown): boolean =>
  types.includes(typeof value) && !Number.isNaN(value as number)

function compare(a: unknown, b: unknown): number {
  const byType = types.indexOf(typeof a) - types.indexOf(typeof b)
  if (byType !== 0) return byType
  return a === b ? 0 : (a as number) < (b as number) ? -1 : 1
}

/** Of whole multiples of the least double there is. */
function exactSum(numbers: readonly number[]): number {
  const sum = numbers.reduce((total, number) => total + multiple(number), 0n)
  const size = sum < 0n ? -sum : sum
  const shift = Math.max(0, size.toString(2).length - 64)
  // What is cut off decides half-way cases: that there is some is remembered in the last digit.
  const cut = size >> BigInt(shift)
  const high = cut | (cut << BigInt(shift) === size ? 0n : 1n)
  const value = Number(high) * 2 ** (shift - 537) * 2 ** -537
  return sum < 0n ? -value : value
}

const view = new DataView(new ArrayBuffer(8))

function multiple(number: number): bigint {
  view.setFloat64(0, number)
  const bits = view.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xf_ffff_ffff_ffffn
  const size = exponent === 0 ? fraction : (fraction | (1n << 52n)) << BigInt(exponent - 1)
  return number < 0 ? -size : size
}
