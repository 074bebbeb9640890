import { setTimeout as pause } from 'node:timers/promises'
import type { GoalRow } from '../goals/goal.ts'
import { short, spreadOf } from '../goals/spread.ts'
import type { Kept } from '../subjects/divided-unit.ts'
import { DividedUnits } from './divided-units.ts'
import type { PartitionGoal } from './partition-goal.ts'

const unitsBefore = 4
const lookMs = 100

interface Moved {
  /** Share of all copies of entries that have come to a unit which had not kept them. */
  readonly share: number
  readonly entries: number
  /** s until everything was at rest; resting itself is not counted. */
  readonly seconds: number
}

/** What moves when a fifth unit joins four. */
export const fifthUnit: PartitionGoal = {
  name: 'fifth-unit',
  async measure(context, { partitions, copies, entries }) {
    const sample = async (): Promise<Moved> => {
      const all = await DividedUnits.start(context, unitsBefore, { partitions, copies, entries })
      const before = await all.kept()
      const from = performance.now()
      const fifth = await all.add()
      // It listens before it takes anything over, which looks like rest.
      while ((await fifth.request<Kept>('kept')).entries.size === 0) await pause(lookMs)
      await all.settle()
      const seconds = (performance.now() - from) / 1000
      const after = await all.kept()
      let kept = 0
      let moved = 0
      for (const [number, { entries: own }] of after.entries())
        for (const [partition, count] of own) {
          kept += count
          if (!before[number]?.entries.has(partition)) moved += count
        }
      await all.close()
      return { share: moved / kept, entries: moved, seconds }
    }
    const samples = await context.interleave('a fifth unit', [{ name: 'fifth', sample }])
    const found = samples.get('fifth') ?? []
    const fair = 1 / (unitsBefore + 1)
    const ratio = spreadOf(found.map(({ share }) => share / fair))
    const median = (read: (moved: Moved) => number) => spreadOf(found.map(read)).median
    const row: GoalRow = {
      what: `entries moved when a fifth unit joins four, ${partitions} partitions, ${copies} copies`,
      goal: 'at most 1.2 times 1/5 of the copies',
      measured: `${Math.round(median((it) => it.entries)).toLocaleString('en')} of ${(entries * copies).toLocaleString('en')} copies, at rest after ${short(median((it) => it.seconds))} s`,
      peer: `a fifth: ${((entries * copies) / (unitsBefore + 1)).toLocaleString('en')}; replicated: all ${entries.toLocaleString('en')} to it`,
      ratio,
      met: ratio.median <= 1.2,
    }
    return { rows: [row] }
  },
}
