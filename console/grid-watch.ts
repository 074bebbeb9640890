import type { ProcessTold } from '@spacegrid/grid/doors/admin/process-told'
import type { Clock, Timer } from '@spacegrid/grid/engine/ports/clock'
import { alarmsOf } from './alarms.ts'
import { type Heard, isUnit, type Source, type Told } from './heard.ts'
import { processView } from './process-view.ts'
import { lineViews, scalingView } from './scaling-view.ts'
import type { PlacementView, Point, ProcessView, Snapshot, SpaceView } from './snapshot.ts'
import { hotKeyViews, shedViews, spacesOf, spaceView } from './space-view.ts'

const lookMs = 1000
/** Who has said nothing for so long is silent, and is forgotten after the other time. */
const silentMs = 3500
const forgetMs = 120_000
/** Words that are compared lie at least so far apart. */
const apartMs = 800
/** As much as the charts show: two minutes. */
const pointsMax = 120
const processesMax = 500

type Listener = (snapshot: Snapshot) => void

/**
 * Looks at the grid once a second while anybody looks at it, and makes one snapshot for all of
 * them. While nobody does, it asks nobody anything; what the charts have shown stays.
 */
export class GridWatch {
  readonly #source: Source
  readonly #clock: Clock
  readonly #told: (error: unknown) => void
  readonly #heard = new Map<string, { now: Told; before: Told | undefined }>()
  readonly #points: Point[] = []
  readonly #listeners = new Set<Listener>()
  #timer: Timer | undefined
  #last: Snapshot | undefined

  /** @param told what is wrong with the source; it is asked again */
  constructor(source: Source, clock: Clock, told: (error: unknown) => void) {
    this.#source = source
    this.#clock = clock
    this.#told = told
  }

  get points(): readonly Point[] {
    return this.#points
  }

  get last(): Snapshot | undefined {
    return this.#last
  }

  /** Tells snapshots until what is returned is called. */
  follow(listener: Listener): () => void {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) {
      this.#source.start()
      void this.#look()
    }
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return
      this.#timer?.cancel()
      this.#timer = undefined
      this.#last = undefined
      // Whoever comes later knows nothing of rates of a time in which nobody looked.
      this.#heard.clear()
      void this.#source.stop()
    }
  }

  async #look(): Promise<void> {
    try {
      this.#hear(await this.#source.processes())
      if (this.#listeners.size === 0) return
      this.#last = this.#snapshot()
      for (const listener of this.#listeners) listener(this.#last)
    } catch (error) {
      this.#told(error)
    }
    if (this.#listeners.size === 0) return
    this.#timer?.cancel()
    this.#timer = this.#clock.after(lookMs, () => void this.#look())
  }

  #hear(processes: readonly ProcessTold[]): void {
    const at = this.#clock.monotonic()
    for (const told of processes.slice(0, processesMax)) {
      const known = this.#heard.get(told.unit)
      if (known?.now.told === told) continue
      const isSame = known !== undefined && known.now.told.process?.pid === told.process?.pid
      const before = isSame && at - known.now.at >= apartMs ? known.now : undefined
      this.#heard.set(told.unit, {
        now: { told, at },
        before: before ?? (isSame ? known.before : undefined),
      })
    }
    const there = new Set(processes.map(({ unit }) => unit))
    for (const [unit, { now }] of this.#heard) {
      const hasLeft = now.told.gone === true || (this.#source.isComplete && !there.has(unit))
      if (hasLeft || at - now.at > forgetMs) this.#heard.delete(unit)
    }
  }

  #snapshot(): Snapshot {
    const now = this.#clock.monotonic()
    const all: Heard[] = [...this.#heard.values()].map((heard) => ({
      ...heard,
      silent: now - heard.now.at > silentMs,
    }))
    const spaces = spacesOf(all).map((space) => spaceView(space, all))
    const shed = shedViews(all)
    const processes = all.map(processView).sort(byRole)
    const point = pointOf(this.#clock.now(), spaces, processes)
    this.#points.push(point)
    if (this.#points.length > pointsMax) this.#points.shift()
    return {
      at: point.at,
      processes,
      spaces,
      placement: placementOf(all),
      shed,
      hotKeys: hotKeyViews(all),
      scaling: scalingView(all),
      lines: lineViews(all),
      alarms: alarmsOf(all, spaces, this.#points),
      point,
    }
  }
}

const roleOrder = [
  'processing-unit',
  'query-unit',
  'data-pump',
  'data-writer',
  'data-reader',
  'deployment-manager',
]

function byRole(one: ProcessView, other: ProcessView): number {
  const rank = ({ role }: ProcessView) => (roleOrder.indexOf(role) + 20) % 20
  return rank(one) - rank(other) || one.name.localeCompare(other.name, 'en', { numeric: true })
}

/** As the first unit sees it that has been heard. */
function placementOf(all: readonly Heard[]): PlacementView[] {
  const found = new Map<string, PlacementView>()
  for (const { now, silent } of all) {
    if (silent || !isUnit(now.told)) continue
    for (const [space, placement] of Object.entries(now.told.placement ?? {})) {
      if (found.has(space)) continue
      const { partitions, copies, homes, moving, scarce, missing, members } = placement
      found.set(space, {
        ...{ space, partitions, copies, homes, moving, scarce, missing },
        members: members.map(({ name, ready, joining, leaving }) => ({
          ...{ name, ready, joining, leaving },
        })),
      })
    }
  }
  return [...found.values()]
}

function pointOf(
  at: number,
  spaces: readonly SpaceView[],
  processes: readonly ProcessView[],
): Point {
  const sum = (pick: (space: SpaceView) => number) =>
    spaces.reduce((to, space) => to + pick(space), 0)
  const most = (pick: (space: SpaceView) => number | null) => {
    const found = spaces.flatMap((space) => pick(space) ?? [])
    return found.length === 0 ? null : Math.max(...found)
  }
  return {
    at,
    commands: sum(({ commandsPerSecond }) => commandsPerSecond),
    queries: sum(({ queriesPerSecond }) => queriesPerSecond),
    turnedAway: sum(({ outcomes }) => outcomes.overloaded ?? 0),
    p50Ms: most(({ p50Ms }) => p50Ms),
    p99Ms: most(({ p99Ms }) => p99Ms),
    toPump: sum(({ toPump }) => toPump),
    toWriter: sum(({ toWriter }) => toWriter),
    collisions: sum(({ collisionsPerSecond }) => collisionsPerSecond),
    units: processes.filter(({ role, state }) => role.endsWith('unit') && state === 'ready').length,
  }
}
