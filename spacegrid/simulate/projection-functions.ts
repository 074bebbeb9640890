import type { AnyProjection } from '@spacegrid/grid/core/projection/projection'

type Run = (...given: unknown[]) => unknown

/** The projection with all its functions as `wrap` makes them. */
export function withFunctions(projection: AnyProjection, wrap: (run: Run) => Run): AnyProjection {
  const wrapped = <T extends object>(options: T): T => {
    const changed = Object.entries(options).map(([name, option]) => [
      name,
      typeof option === 'function' ? wrap(option as Run) : option,
    ])
    return Object.fromEntries(changed) as T
  }
  const { source, aggregates } = projection
  return {
    ...wrapped(projection),
    source: 'plan' in source ? { plan: wrapped(source.plan) } : source,
    aggregates:
      aggregates &&
      Object.fromEntries(
        Object.entries(aggregates).map(([name, { plan }]) => [name, { plan: wrapped(plan) }]),
      ),
  }
}
