import { GridError } from '../errors.ts'
import type { AnyProjection, Change, Space, Value } from '../space/definition.ts'
import type { Write } from '../space/evaluation.ts'
import type { SpaceState } from '../space/space-state.ts'

/**
 * The space's read models, kept up to date from applied changes: the query side of CQRS. They are the application's code: one that throws
 * is out of use from then on, and takes nothing else with it.
 */
export class Projections {
  readonly #models = new Map<AnyProjection, unknown>()
  readonly #failures = new Map<AnyProjection, GridError>()
  readonly #failed: (error: GridError) => void
  /** By cache number. */
  readonly #followers: AnyProjection[][] = []

  /** Builds every model from the state's entries. `failed` is told of each that throws. Default: the error is thrown on. */
  constructor(space: Space, state: SpaceState, failed = rethrow) {
    this.#failed = failed
    for (const projection of space.projections) {
      this.#guarded(projection, () => this.#models.set(projection, projection.initial()))
      const layout = state.layout.named(projection.cache.name)
      if (!layout)
        throw new Error(
          `projection ${projection.name}: cache ${projection.cache.name} is not in the log's definition`,
        )
      const followers = this.#followers[layout.number] ?? []
      followers.push(projection)
      this.#followers[layout.number] = followers
      for (const entry of state.cache(layout.number).entries.values())
        this.#apply(projection, { key: entry.key, before: undefined, after: entry.value })
    }
  }

  changed(write: Write, before: Value | undefined): void {
    const followers = this.#followers[write.cache]
    if (!followers) return
    for (const projection of followers)
      this.#apply(projection, { key: write.key, before, after: write.value })
  }

  /** @throws GridError `internal` when the projection has failed */
  model<M>(projection: AnyProjection): M {
    const failure = this.#failures.get(projection)
    if (failure) throw failure
    if (!this.#models.has(projection))
      throw new Error(`projection ${projection.name} is not one of this space`)
    return this.#models.get(projection) as M
  }

  #apply(projection: AnyProjection, change: Change<Value>): void {
    if (this.#failures.has(projection)) return
    this.#guarded(projection, () => projection.apply(this.#models.get(projection), change))
  }

  /** What has thrown half-way may have left its model in any state. */
  #guarded(projection: AnyProjection, run: () => void): void {
    try {
      run()
    } catch (cause) {
      const error = new GridError('internal', `Projection ${projection.name} has failed`, { cause })
      this.#failures.set(projection, error)
      this.#failed(error)
    }
  }
}

const rethrow = (error: GridError): void => {
  throw error.cause
}
