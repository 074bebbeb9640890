import type { GoalRow } from '../goals/goal.ts'
import { short, spreadOf } from '../goals/spread.ts'
import type { DividedUsage } from '../subjects/divided-unit.ts'
import { DividedUnits } from './divided-units.ts'
import type { PartitionFigure, PartitionGoal } from './partition-goal.ts'

const mebibyte = 2 ** 20

/** Memory of all units together: heap and buffers after a collection, programs included. */
export const memoryOfUnits: PartitionGoal = {
  name: 'memory',
  async measure(context, { units, partitions, copies, entries }) {
    const kinds = [
      { kind: 'replicated', partitions: 1, copies },
      { kind: `${partitions} partitions, ${copies} copies`, partitions, copies },
    ]
    // Below, there are not as many copies as there should be.
    const counts = units.filter((count) => count >= copies)
    const mebibytes = new Map<string, number>()
    for (const count of counts)
      for (const { kind, ...options } of kinds) {
        const all = await DividedUnits.start(context, count, { ...options, entries })
        const usages = await Promise.all(
          all.units.map((unit) => unit.request<DividedUsage>('usage')),
        )
        const bytes = usages.reduce((sum, usage) => sum + usage.bytes, 0)
        mebibytes.set(`${kind} ${count}`, bytes / mebibyte)
        await all.close()
      }
    const of = (kind: string, count: number) => mebibytes.get(`${kind} ${count}`) ?? Number.NaN
    const [replicated, divided] = kinds.map(({ kind }) => kind) as [string, string]
    const [least = copies] = counts
    const most = counts.at(-1) ?? copies
    const ratio = spreadOf([of(divided, most) / of(divided, least)])
    const text = (kind: string) =>
      counts.map((count) => `${short(of(kind, count))} MiB with ${count}`).join(', ')
    const row: GoalRow = {
      what: `memory of all units, ${entries.toLocaleString('en')} entries, ${divided}, ${least} to ${most} units`,
      goal: 'flat within 1.3 times',
      measured: text(divided),
      peer: `replicated: ${text(replicated)}; grows ${short(of(replicated, most) / of(replicated, least))} times`,
      ratio,
      met: ratio.median <= 1.3,
    }
    const figures = kinds.flatMap(({ kind }) =>
      counts.map(
        (count): PartitionFigure => ({
          ...{ table: 'memory of all units', series: kind, xLabel: 'units', x: count },
          ...{ yLabel: 'MiB', y: spreadOf([of(kind, count)]) },
        }),
      ),
    )
    return { rows: [row], figures }
  },
}
