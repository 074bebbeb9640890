import type { AnyProjection, Space, Value } from '../space/definition.ts'
import type { Write } from '../space/evaluation.ts'
import type { SpaceState } from '../space/space-state.ts'

/** The space's read models, kept up to date from applied changes: the query side of CQRS. */
export class Projections {
  readonly #models = new Map<AnyProjection, unknown>()
  /** By cache number. */
  readonly #followers: AnyProjection[][] = []

  /** Builds every model from the state's entries. */
  constructor(space: Space, state: SpaceState) {
    for (const projection of space.projections) {
      const model = projection.initial()
      this.#models.set(projection, model)
      const layout = state.layout.named(projection.cache.name)
      if (!layout)
        throw new Error(
          `projection ${projection.name}: cache ${projection.cache.name} is not in the log's definition`,
        )
      const followers = this.#followers[layout.number] ?? []
      followers.push(projection)
      this.#followers[layout.number] = followers
      for (const entry of state.cache(layout.number).entries.values())
        projection.apply(model, { key: entry.key, before: undefined, after: entry.value })
    }
  }

  changed(write: Write, before: Value | undefined): void {
    const followers = this.#followers[write.cache]
    if (!followers) return
    for (const projection of followers)
      projection.apply(this.#models.get(projection), { key: write.key, before, after: write.value })
  }

  model<M>(projection: AnyProjection): M {
    if (!this.#models.has(projection))
      throw new Error(`projection ${projection.name} is not one of this space`)
    return this.#models.get(projection) as M
  }
}
