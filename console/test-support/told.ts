import type { ProcessTold } from '@spacegrid/grid/doors/admin/process-told'
import type { Figures, Heard } from '../heard.ts'

/** A process that is well, unless it is said otherwise. */
export const told = (
  unit: string,
  role: string,
  spaces: Readonly<Record<string, Figures>>,
  more: Partial<ProcessTold> = {},
): ProcessTold => ({
  ...{ unit, role, ready: true, reasons: [], wishes: [], spaces },
  ...more,
})

/** Heard of twice, a second apart. */
export const heard = (
  now: ProcessTold,
  before: ProcessTold | undefined = undefined,
  silent = false,
): Heard => ({
  now: { told: now, at: 2000 },
  before: before && { told: before, at: 1000 },
  silent,
})

/** What came through its doors: requests of 1 ms, 10 ms and longer, and how they ended. */
export const requests = (
  space: string,
  counts: readonly [number, number, number],
  outcomes: Readonly<Record<string, number>>,
): NonNullable<ProcessTold['requests']> => ({
  [space]: {
    commands: { bounds: [0.001, 0.01], counts, outcomes },
    queries: { bounds: [0.001, 0.01], counts: [0, 0, 0], outcomes: {} },
  },
})
