import type { Space } from '@spacegrid/grid/core/definition'
import { readValue } from '@spacegrid/grid/core/evolution'
import type { AnyProjection } from '@spacegrid/grid/core/projection/projection'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { recomputedRows } from '@spacegrid/grid/kit/recomputed-rows'
import type { Projections } from '@spacegrid/runtime/projections'
import { same } from './same.ts'

/** What a projection is otherwise than its entries would make it. */
export interface ProjectionProblem {
  readonly projection: AnyProjection
  readonly text: string
}

/** A unit, as far as its projections go. */
export interface Projecting {
  readonly space: Space
  readonly state: SpaceState | undefined
  readonly projections: Projections | undefined
}

/**
 * Compares the rows of a unit's projections with those that are made anew of its entries, and what
 * their indexes find. architecture.md, section 2 "what a projection is".
 */
export function compareProjections({ space, state, projections }: Projecting): ProjectionProblem[] {
  if (!state || !projections) return []
  return space.projections.flatMap((projection) => {
    const held = rowsOf(projection, projections)
    if (!held) return []
    const anew = recomputedRows(projection, (cache) => entriesOf(space, state, cache))
    const problems: string[] = []
    for (const [key, row] of anew) {
      const is = held.rows.find(key)?.value
      if (!same(is, row)) problems.push(`row ${key} is ${text(is)}, but ${text(row)}`)
    }
    for (const { key, value } of held.rows.entries.values())
      if (!anew.has(key)) problems.push(`row ${key} is ${text(value)}, but not there`)
    return problems.map((problem) => ({
      projection,
      text: `${problem} when it is made anew of the entries at ${state.position}`,
    }))
  })
}

/** undefined: the application's functions have failed, and somebody has been told. */
function rowsOf({ name }: AnyProjection, projections: Projections) {
  try {
    return projections.named(name)
  } catch {
    return undefined
  }
}

function entriesOf(space: Space, state: SpaceState, name: string) {
  const cache = space.caches.find((one) => one.name === name)
  const layout = state.layout.named(name)
  if (!cache || !layout) return []
  const { entries } = state.cache(layout.number)
  return Array.from(entries.values(), ({ key, value }) => [key, readValue(cache, value)] as const)
}

const text = (value: unknown) => JSON.stringify(value)
