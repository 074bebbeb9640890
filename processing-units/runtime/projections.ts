import type { Value } from '@spacegrid/grid/core/data-types'
import type { Space } from '@spacegrid/grid/core/definition'
import type { GridError } from '@spacegrid/grid/core/errors'
import type { Write } from '@spacegrid/grid/core/evaluation'
import { readingOf, readValue } from '@spacegrid/grid/core/evolution'
import type { AnyProjection } from '@spacegrid/grid/core/projection/projection'
import { ProjectionRows, type RowChange } from '@spacegrid/grid/core/projection/projection-rows'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { AnyCache } from '@spacegrid/grid/core/transaction'
import type { FaultDesk } from './fault-desk.ts'

/**
 * Told which rows are others than before, behind the frame that changed them: synchronously, in the
 * order of the log. Must not throw.
 */
export type RowListener = (
  projection: AnyProjection,
  changes: readonly RowChange[],
  position: number,
) => void

/** One projection, and the cache of the space that a change is of. */
interface Follower {
  readonly projection: AnyProjection
  readonly cache: AnyCache
  readonly rows: ProjectionRows
}

/**
 * The space's read models, kept up to date from applied changes: the query side of CQRS. What they
 * call is the application's code: one that throws, or outgrows its limit, is out of use from then
 * on, and takes nothing else with it.
 */
export class Projections {
  readonly #rows = new Map<string, ProjectionRows>()
  readonly #failures = new Map<string, GridError>()
  readonly #faults: FaultDesk
  /** By cache number. */
  readonly #followers: Follower[][] = []
  /** Those that have been told of changes since the last frame. */
  readonly #changed = new Map<ProjectionRows, AnyProjection>()
  #listeners: readonly RowListener[] = []

  /** Makes the rows of every projection of the state's entries. */
  constructor(space: Space, state: SpaceState, faults: FaultDesk) {
    this.#faults = faults
    for (const projection of space.projections) {
      const rows = new ProjectionRows(projection)
      this.#rows.set(projection.name, rows)
      for (const cache of projection.caches) {
        const layout = state.layout.named(cache.name)
        if (!layout)
          throw new Error(
            `projection ${projection.name}: cache ${cache.name} is not in the log's definition`,
          )
        const followers = this.#followers[layout.number] ?? []
        followers.push({ projection, cache, rows })
        this.#followers[layout.number] = followers
      }
      this.#build(projection, rows, state)
    }
  }

  #build(projection: AnyProjection, rows: ProjectionRows, state: SpaceState): void {
    try {
      for (const cache of projection.caches) {
        const { number } = state.layout.named(cache.name) ?? {}
        // Every entry is looked at once: what it is read as need not be remembered.
        const reading = cache.evolution === undefined ? undefined : readingOf(cache)
        for (const { key, value } of state.cache(number as number).entries.values())
          rows.change(cache, key, undefined, reading ? reading.make(value) : value)
      }
      rows.settle(state.position)
    } catch (thrown) {
      this.#failed(projection, thrown)
    }
  }

  /** One entry has changed; its rows are made behind the frame, by `settle`. */
  changed(write: Write, before: Value | undefined): void {
    const followers = this.#followers[write.cache]
    // What was deleted, and not in memory, has no rows.
    if (!followers || (before === undefined && write.value === undefined)) return
    for (const { projection, cache, rows } of followers) {
      try {
        const after = write.value
        rows.change(
          cache,
          write.key,
          before && readValue(cache, before),
          after && readValue(cache, after),
        )
        if (rows.isChanged) this.#changed.set(rows, projection)
      } catch (thrown) {
        this.#failed(projection, thrown)
      }
    }
  }

  /** A frame has been melded: makes the rows of what it has changed. */
  settle(position: number): void {
    if (this.#changed.size === 0) return
    for (const [rows, projection] of this.#changed) {
      try {
        const changes = rows.settle(position)
        if (changes.length > 0)
          for (const listener of this.#listeners) listener(projection, changes, position)
      } catch (thrown) {
        this.#failed(projection, thrown)
      }
    }
    this.#changed.clear()
  }

  /** Returns the function that ends the listening. */
  listen(listener: RowListener): () => void {
    this.#listeners = [...this.#listeners, listener]
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener)
    }
  }

  /**
   * The rows of a projection, as they are behind the last frame; undefined for what is none of this
   * space.
   * @throws ApplicationFault when the projection has failed, the one that was told then
   */
  named(name: string): ProjectionRows | undefined {
    const failure = this.#failures.get(name)
    if (failure) throw failure
    return this.#rows.get(name)
  }

  /** What has thrown half-way may have left its rows in any state: they are let go. */
  #failed(projection: AnyProjection, thrown: unknown): void {
    const { name } = projection
    const callback = { kind: 'projection', name, declared: projection } as const
    this.#failures.set(name, this.#faults.judge(callback, thrown))
    const rows = this.#rows.get(name)
    if (rows) this.#changed.delete(rows)
    this.#rows.delete(name)
    for (const [number, followers] of this.#followers.entries())
      if (followers)
        this.#followers[number] = followers.filter((follower) => follower.projection !== projection)
  }
}
