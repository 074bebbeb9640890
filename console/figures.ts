import type { RequestFigures, SpaceRequests } from '@spacegrid/grid/doors/admin/process-told'

const nothing: RequestFigures = { bounds: [], counts: [], outcomes: {} }

/** A counter that stands below where it stood is another process's, or began anew: all of it. */
export const increase = (now: number, before: number | undefined): number =>
  before === undefined || now < before ? now : now - before

/**
 * What was counted between two looks.
 * @param before undefined: there was nothing to count yet, so it is all that is counted now
 */
export function countedBetween(
  now: RequestFigures | undefined,
  before: RequestFigures | undefined,
): RequestFigures {
  if (!now) return nothing
  const sum = (figures: RequestFigures) => figures.counts.reduce((all, one) => all + one, 0)
  const isSame = before !== undefined && sum(now) >= sum(before)
  return {
    bounds: now.bounds,
    counts: now.counts.map((count, at) => increase(count, isSame ? before.counts[at] : 0)),
    outcomes: Object.fromEntries(
      Object.entries(now.outcomes).map(([outcome, count]) => [
        outcome,
        increase(count, isSame ? (before.outcomes[outcome] ?? 0) : 0),
      ]),
    ),
  }
}

/** Of processes that count alike. */
export function together(all: readonly RequestFigures[]): RequestFigures {
  const [first, ...others] = all.filter(({ counts }) => counts.length > 0)
  return others.reduce(
    (sum, one) => ({
      bounds: sum.bounds,
      counts: sum.counts.map((count, at) => count + (one.counts[at] ?? 0)),
      outcomes: added(sum.outcomes, one.outcomes),
    }),
    first ?? nothing,
  )
}

export const requestsOf = (
  requests: Readonly<Record<string, SpaceRequests>> | undefined,
  kind: 'commands' | 'queries',
  space?: string,
): readonly (readonly [string, RequestFigures])[] =>
  Object.entries(requests ?? {}).flatMap(([name, figures]) => {
    const found = figures[kind]
    return found && (space === undefined || name === space) ? [[name, found] as const] : []
  })

/**
 * The time within which a share of requests was answered, ms: within its bucket, times are taken to
 * lie evenly. Beyond the last bound it is that bound. undefined: there were no requests.
 * @param share 0 to 1
 */
export function quantileMs({ bounds, counts }: RequestFigures, share: number): number | undefined {
  const all = counts.reduce((sum, count) => sum + count, 0)
  if (all === 0) return undefined
  let left = share * all
  for (const [at, count] of counts.entries()) {
    const [from = 0, to] = [bounds[at - 1], bounds[at]]
    if (to === undefined) return from * 1000
    if (left <= count && count > 0) return (from + (to - from) * (left / count)) * 1000
    left -= count
  }
  return (bounds.at(-1) ?? 0) * 1000
}

export const total = ({ outcomes }: RequestFigures): number =>
  Object.values(outcomes).reduce((sum, count) => sum + count, 0)

function added(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum = { ...one }
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count
  return sum
}
