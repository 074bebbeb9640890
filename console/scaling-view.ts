import { spaceOf } from '@spacegrid/grid/core/log-name'
import { figuresIn, type Heard } from './heard.ts'
import type { LineView, ScalingView } from './snapshot.ts'

const decisionsShown = 12
const linesShown = 20

/** As the deployment manager tells that works; of those that stand by, as the first one tells. */
export function scalingView(all: readonly Heard[]): ScalingView | null {
  const told = all.flatMap(({ now, silent }) => (silent ? [] : (now.told.scaling ?? [])))
  const status = told.find(({ active }) => active) ?? told[0]
  if (!status) return null
  const { driver, wanted, ready, starting, unitsMin, unitsMax, decisions } = status
  return {
    ...{ driver, wanted, ready, starting, unitsMin, unitsMax },
    decisions: decisions.slice(-decisionsShown),
  }
}

/** All waiting rooms tell of the same lines; who tells of the most that wait is the latest. */
export function lineViews(all: readonly Heard[]): LineView[] {
  const found = all.flatMap(({ now, silent }) =>
    silent
      ? []
      : figuresIn(now.told).flatMap(([log, { waitingRoom }]) =>
          Object.entries(waitingRoom?.lines ?? {}).map(([line, figures]) => ({
            ...{ space: spaceOf(log), line },
            waiting: figures.waiting,
            inside: figures.inside,
            insideLimit: figures.insideLimit,
            movedPerSecond: figures.movedPerSecond,
            isHeld: figures.isHeld,
          })),
        ),
  )
  const same = Map.groupBy(found, ({ space, line }) => `${space} ${line}`)
  return [...same.values()]
    .map((those) => those.reduce((one, other) => (other.waiting > one.waiting ? other : one)))
    .slice(0, linesShown)
}
