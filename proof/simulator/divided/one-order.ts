/** A command that took effect, or that was told what it saw: it has one place in the order. */
export interface Happening {
  readonly name: string
  /** When its caller asked first, and when it was told; a caller who was never told: infinity. */
  readonly beganAt: number
  readonly toldAt: number
  /** By place (`3/accounts/a1`): the stamp of what it read there; undefined: nothing was there. */
  readonly reads: ReadonlyMap<string, string | undefined>
  /** Places that it wrote. */
  readonly writes: ReadonlySet<string>
  /** What it leaves at each place that it writes. */
  readonly stamp: string
}

/** What every place was, one stamp after the other, by the logs. */
export type Versions = ReadonlyMap<string, readonly string[]>

/** An order of all, or a circle: then no order explains what everybody was told. */
export type Ordered =
  | { readonly order: readonly Happening[] }
  | { readonly circle: readonly string[] }

/**
 * Puts everything that happened, on all partitions, into one order that every reader's and every
 * writer's view agrees with, and in which nobody comes before what had been told before it began.
 * Strict serializability is that there is one: the graph of "wrote what it read", "overwrote what
 * it read", "overwrote" and "was told before it began" has no circle (Adya, "Weak Consistency",
 * 1999; partition-model's judge).
 * @throws Error when a stamp was read that nobody has written: the history is no history
 */
export function inOneOrder(happenings: readonly Happening[], versions: Versions): Ordered {
  const after = new Map<Happening, Set<Happening>>(happenings.map((one) => [one, new Set()]))
  const follows = (first: Happening | undefined, second: Happening | undefined) => {
    if (first && second && first !== second) after.get(first)?.add(second)
  }
  const writers = new Map(happenings.map((one) => [one.stamp, one]))
  for (const stamps of versions.values())
    for (let at = 1; at < stamps.length; at++)
      follows(writers.get(stamps[at - 1] as string), writers.get(stamps[at] as string))
  for (const reader of happenings)
    for (const [place, stamp] of reader.reads) {
      const stamps = versions.get(place) ?? []
      const at = stamp === undefined ? -1 : stamps.indexOf(stamp)
      if (stamp !== undefined && at < 0)
        throw new Error(`${reader.name} read ${stamp} at ${place}, which was never there`)
      if (stamp !== undefined) follows(writers.get(stamp), reader)
      // Its own write comes right behind its read, or somebody else's was overlooked.
      const next = stamps[at + 1]
      follows(reader, next === undefined ? undefined : writers.get(next))
    }
  for (const first of happenings)
    for (const second of happenings) if (first.toldAt < second.beganAt) follows(first, second)
  return sorted(happenings, after)
}

/** Topologically, by depth; who began first comes first where the graph leaves it open. */
function sorted(
  happenings: readonly Happening[],
  after: ReadonlyMap<Happening, ReadonlySet<Happening>>,
): Ordered {
  const order: Happening[] = []
  const state = new Map<Happening, 'open' | 'done'>()
  const path: Happening[] = []
  const visit = (one: Happening): readonly string[] | undefined => {
    if (state.get(one) === 'done') return undefined
    if (state.get(one) === 'open') return path.slice(path.indexOf(one)).map(({ name }) => name)
    state.set(one, 'open')
    path.push(one)
    for (const next of after.get(one) ?? []) {
      const circle = visit(next)
      if (circle) return circle
    }
    path.pop()
    state.set(one, 'done')
    order.push(one)
    return undefined
  }
  for (const one of happenings.toSorted((a, b) => b.beganAt - a.beganAt)) {
    const circle = visit(one)
    if (circle) return { circle }
  }
  return { order: order.toReversed() }
}
