import { refusePromise } from '@spacegrid/grid/core/callback'
import type { AnyCache, AnyProjection, Change, Space, Value } from '@spacegrid/grid/core/definition'
import type { GridError } from '@spacegrid/grid/core/errors'
import type { Write } from '@spacegrid/grid/core/evaluation'
import { readingOf, readValue } from '@spacegrid/grid/core/evolution'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { FaultDesk } from './fault-desk.ts'

/**
 * The space's read models, kept up to date from applied changes: the query side of CQRS. They are
 * the application's code: one that throws is out of use from then on, and takes nothing else with
 * it.
 */
export class Projections {
  readonly #models = new Map<AnyProjection, unknown>()
  readonly #failures = new Map<AnyProjection, GridError>()
  readonly #faults: FaultDesk
  /** By cache number. */
  readonly #followers: AnyProjection[][] = []

  /** Builds every model from the state's entries. */
  constructor(space: Space, state: SpaceState, faults: FaultDesk) {
    this.#faults = faults
    for (const projection of space.projections) {
      try {
        const model: unknown = projection.initial()
        refusePromise(model)
        this.#models.set(projection, model)
      } catch (thrown) {
        this.#failed(projection, thrown)
      }
      const layout = state.layout.named(projection.cache.name)
      if (!layout)
        throw new Error(
          `projection ${projection.name}: cache ${projection.cache.name} is not in the log's definition`,
        )
      const followers = this.#followers[layout.number] ?? []
      followers.push(projection)
      this.#followers[layout.number] = followers
      for (const entry of state.cache(layout.number).entries.values())
        this.#apply(projection, entry.key, undefined, entry.value, true)
    }
  }

  changed(write: Write, before: Value | undefined): void {
    const followers = this.#followers[write.cache]
    if (!followers) return
    for (const projection of followers) this.#apply(projection, write.key, before, write.value)
  }

  /** @throws ApplicationFault when the projection has failed, the one that was told then */
  model<M>(projection: AnyProjection): M {
    const failure = this.#failures.get(projection)
    if (failure) throw failure
    if (!this.#models.has(projection))
      throw new Error(`projection ${projection.name} is not one of this space`)
    return this.#models.get(projection) as M
  }

  /** @param once every entry is looked at: what it is read as need not be remembered */
  #apply(
    projection: AnyProjection,
    key: string,
    before: Value | undefined,
    after: Value | undefined,
    once = false,
  ): void {
    if (this.#failures.size > 0 && this.#failures.has(projection)) return
    try {
      const change =
        projection.cache.evolution === undefined
          ? { key, before, after }
          : readChange(projection.cache, key, before, after, once)
      refusePromise(projection.apply(this.#models.get(projection), change))
    } catch (thrown) {
      this.#failed(projection, thrown)
    }
  }

  /** What has thrown half-way may have left its model in any state. */
  #failed(projection: AnyProjection, thrown: unknown): void {
    const callback = { kind: 'projection', name: projection.name, declared: projection } as const
    this.#failures.set(projection, this.#faults.judge(callback, thrown))
  }
}

const readChange = (
  cache: AnyCache,
  key: string,
  before: Value | undefined,
  after: Value | undefined,
  once: boolean,
): Change<Value> => ({
  key,
  before: before && readValue(cache, before),
  after: after && (once ? readingOf(cache).make(after) : readValue(cache, after)),
})
