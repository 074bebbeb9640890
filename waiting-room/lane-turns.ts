/** A lane as turns are shared out among several. */
export interface TurnLane {
  readonly lane: string
  /** Its part of the turns while all lanes have somebody waiting. */
  readonly share: number
  readonly waiting: number
  /** Its virtual time: who has the least is next. Grows by 1/share with each turn. */
  readonly turn: number
}

/** What a lane gets of the turns that are shared out, and its virtual time afterwards. */
export interface LaneTurns {
  readonly lane: string
  readonly count: number
  readonly turn: number
}

/**
 * Shares turns out among lanes by stride scheduling (Waldspurger and Weihl, "Stride Scheduling:
 * Deterministic Proportional-Share Resource Management", 1995): each lane with somebody waiting
 * gets its part, whatever the others ask for, so none starves; what a lane does not use goes to the
 * others, and is not saved up.
 */
export function shareTurns(lanes: readonly TurnLane[], total: number): LaneTurns[] {
  const now = lanes.map(({ lane, share, waiting, turn }) => ({
    lane,
    share,
    waiting,
    turn,
    count: 0,
  }))
  const busy = now.filter(({ waiting }) => waiting > 0)
  // Who comes back does not find the time saved up in which nobody waited there.
  const idle = now.filter(({ waiting }) => waiting === 0)
  for (let left = total; left > 0; left--) {
    const open = busy.filter(({ waiting, count }) => count < waiting)
    const [first, ...others] = open
    if (!first) break
    const next = others.reduce((least, one) => (one.turn < least.turn ? one : least), first)
    next.count++
    next.turn += 1 / next.share
  }
  const least = Math.min(
    ...busy.filter(({ waiting, count }) => count < waiting).map((it) => it.turn),
  )
  const floor = Number.isFinite(least) ? least : Math.max(0, ...busy.map(({ turn }) => turn))
  for (const lane of idle) lane.turn = Math.max(lane.turn, floor)
  return now.map(({ lane, count, turn }) => ({ lane, count, turn }))
}
