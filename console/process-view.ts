import { countedBetween, quantileMs, requestsOf, together, total } from './figures.ts'
import { type Figures, figuresIn, type Heard, isUnit, memoryOf, type Told } from './heard.ts'
import type { ProcessView } from './snapshot.ts'

/** Of a process with many partitions the first ones are shown. */
const logsShown = 32
const reasonsShown = 8

export function processView(heard: Heard): ProcessView {
  const { now, before, silent } = heard
  const { told } = now
  const all = figuresIn(told)
  const commands = countedOf(heard, 'commands')
  const queries = countedOf(heard, 'queries')
  const seconds = secondsOf(heard)
  const counts = requestsOf(told.requests, 'commands').length > 0
  const memory = memoryOf(told)
  const rate = sumOf(all, ({ commandsPerSecond }) => commandsPerSecond)
  return {
    name: told.unit,
    role: told.role,
    state: silent ? 'silent' : told.ready ? 'ready' : 'not-ready',
    reasons: told.reasons.slice(0, reasonsShown),
    wishes: told.wishes.slice(0, reasonsShown),
    logs: all.slice(0, logsShown).map(([log, figures]) => ({
      log,
      position: figures.position ?? 0,
      lag: figures.lag ?? 0,
      state: isUnit(told) ? null : (figures.state ?? null),
    })),
    logCount: all.length,
    // What it counts of its requests is exact; its own meter also has what came in over no door.
    commandsPerSecond: silent ? 0 : counts ? total(commands) / seconds : rate,
    queriesPerSecond: silent ? 0 : total(queries) / seconds,
    p50Ms: (silent ? undefined : quantileMs(commands, 0.5)) ?? null,
    p99Ms: (silent ? undefined : quantileMs(commands, 0.99)) ?? null,
    pending: sumOf(all, ({ pending }) => pending),
    memoryBytes: memory?.usedBytes ?? null,
    memoryBudgetBytes: memory?.budgetBytes ?? null,
    residentBytes: told.process?.residentBytes ?? null,
    loop: before ? loopShare(now, before) : null,
    uptimeMs: told.process?.uptimeMs ?? null,
  }
}

/** A unit that whoever runs it has ended: it says nothing of itself. */
export const stoppedView = (name: string): ProcessView => ({
  ...{ name, role: 'processing-unit', state: 'stopped' },
  ...{ reasons: [], wishes: [], logs: [], logCount: 0 },
  ...{ commandsPerSecond: 0, queriesPerSecond: 0, p50Ms: null, p99Ms: null, pending: 0 },
  ...{ memoryBytes: null, memoryBudgetBytes: null, residentBytes: null },
  ...{ loop: null, uptimeMs: null },
})

/** What came through its doors between its last words and those before. */
export function countedOf({ now, before }: Heard, kind: 'commands' | 'queries', space?: string) {
  if (!before) return together([])
  const earlier = new Map(requestsOf(before.told.requests, kind, space))
  const later = requestsOf(now.told.requests, kind, space)
  return together(later.map(([name, figures]) => countedBetween(figures, earlier.get(name))))
}

/** Between its last words and those before; never so short that rates would be nonsense. */
export const secondsOf = ({ now, before }: Heard): number =>
  Math.max(0.25, (now.at - (before?.at ?? now.at - 1000)) / 1000)

function loopShare({ told: now }: Told, { told: before }: Told): number | null {
  if (!now.process || !before.process) return null
  const active = now.process.loopActiveMs - before.process.loopActiveMs
  const idle = now.process.loopIdleMs - before.process.loopIdleMs
  return active < 0 || active + idle <= 0 ? null : active / (active + idle)
}

const sumOf = (
  all: readonly (readonly [string, Figures])[],
  pick: (figures: Figures) => number | undefined,
): number => all.reduce((sum, [, figures]) => sum + (pick(figures) ?? 0), 0)
