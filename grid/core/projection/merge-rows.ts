import { takeData } from '../data.ts'
import type { Scalar, Value } from '../data-types.ts'
import { compareScalars } from '../index-order.ts'
import type { AggregatePlan } from './aggregate.ts'
import { ExactSum } from './exact-sum.ts'
import type { AnyProjection, Projection } from './projection.ts'
import { isOrdered } from './ranked-items.ts'
import { onlyRowKey, rowKey } from './row-key.ts'

/**
 * Rows of one projection from several partitions as one list: those of one group, each made of
 * other items, become one row. Counts are added up, and so are sums (each rounded already); of the
 * least, the most and the first items those of all remain; folds are merged as they say. In the
 * order in which the groups first come.
 * @throws TypeError for a fold that says no `merge`
 */
export function mergeRows<Row>(
  projection: Projection<Row>,
  rows: readonly (readonly Row[])[],
): readonly Row[] {
  const { aggregates, groupBy } = projection as AnyProjection
  const all = rows.flat() as Value[]
  if (!aggregates) return all as Row[]
  const groups = new Map<string, Value[]>()
  for (const row of all) {
    const key = keyOfGroup(groupBy.map((field) => row[field]) as Scalar[])
    const group = groups.get(key)
    if (group) group.push(row)
    else groups.set(key, [row])
  }
  return [...groups.values()].map((group) =>
    group.length === 1 ? group[0] : mergedGroup(projection as AnyProjection, group),
  ) as Row[]
}

/** Key of the row of a group, of the values it is grouped by. */
export const keyOfGroup = (by: readonly Scalar[]): string =>
  by.length === 0 ? onlyRowKey : rowKey(...(by as readonly [Scalar, ...Scalar[]]))

function mergedGroup({ aggregates = {}, groupBy }: AnyProjection, rows: readonly Value[]): Value {
  const merged: Record<string, unknown> = {}
  for (const field of groupBy) merged[field] = rows[0]?.[field]
  for (const [name, { plan }] of Object.entries(aggregates)) {
    const values = rows.map((row) => row[name]).filter((value) => value !== undefined)
    const value = mergedValue(plan, values)
    if (value !== undefined) merged[name] = value
  }
  return Object.freeze(merged)
}

function mergedValue(plan: AggregatePlan, values: readonly unknown[]): unknown {
  switch (plan.kind) {
    case 'count':
    case 'sum': {
      const sum = new ExactSum()
      for (const value of values) sum.add(value as number)
      return sum.value
    }
    case 'min':
      return values.filter(isOrdered).sort(compareScalars)[0]
    case 'max':
      return values.filter(isOrdered).sort(compareScalars).at(-1)
    case 'top': {
      const { by, lowest, count } = plan
      const sign = lowest ? 1 : -1
      const items = values.flat() as Value[]
      return Object.freeze(
        items.sort((a, b) => sign * compareScalars(a[by], b[by])).slice(0, count),
      )
    }
    case 'fold': {
      const merge = plan.merge as ((one: unknown, other: unknown) => unknown) | undefined
      if (!merge) throw new TypeError('a fold of several partitions needs merge')
      return takeData(values.reduce(merge))
    }
  }
}
