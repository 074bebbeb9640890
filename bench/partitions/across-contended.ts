import type { GoalRow } from '../goals/goal.ts'
import { ratioOf, short, spreadOf } from '../goals/spread.ts'
import { runTogether } from '../processes/running-subject.ts'
import type { RunResult } from '../processes/subject.ts'
import { fewKeys } from '../subjects/divided-unit.ts'
import { DividedUnits } from './divided-units.ts'
import type { PartitionGoal } from './partition-goal.ts'

const units = 2
const inFlight = 8
const partitions = 4

/**
 * Commands across two partitions that all want the same few keys, from two units: what they cost
 * beside those that meet nobody. Of eight keys at most four such commands can be under way at once,
 * so of sixteen each waits for three others on the average, if nothing is wasted.
 */
export const acrossContended: PartitionGoal = {
  name: 'across-contended',
  async measure(context, { copies, entriesFew: entries }) {
    const all = await DividedUnits.startTwo(context, { partitions, copies, entries })
    const run = (operation: string, each: number) => ({
      name: operation,
      sample: () => runTogether(all.units, operation, context.run(each)),
    })
    const found = await context.interleave('across, contended', [
      run('move', inFlight),
      run('touchFew', inFlight),
    ])
    await all.close()
    const of = (name: string) => found.get(name) ?? []
    const p50s = (name: string) => of(name).map((it) => it.p50)
    const text = (name: string) => {
      const median = (read: (it: RunResult) => number) => short(spreadOf(of(name).map(read)).median)
      const [p50, p99, rate] = [
        median((it) => it.p50),
        median((it) => it.p99),
        median((it) => it.perSecond),
      ]
      return `p50 ${p50} ms, p99 ${p99} ms, ${rate}/s`
    }
    const failed = of('touchFew').reduce((sum, it) => sum + it.failed, 0)
    const ratio = ratioOf(p50s('touchFew'), p50s('move'))
    const row: GoalRow = {
      what: `p50 of a command across two partitions, ${units * inFlight} clients in ${units} units, ${fewKeys} keys in ${partitions} partitions`,
      goal: 'none fails; at most 10 times as long as of all keys',
      measured: text('touchFew'),
      peer: `of all keys: ${text('move')}`,
      ratio,
      note: `${failed} failed`,
      met: failed === 0 && ratio.median <= 10,
    }
    return { rows: [row] }
  },
}
