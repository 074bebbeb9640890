import type { GoalRow } from '../goals/goal.ts'
import type { GoalContext } from '../goals/goal-context.ts'
import { ratioOf, short, spreadOf } from '../goals/spread.ts'
import type { RunningSubject } from '../processes/running-subject.ts'
import { DividedUnits } from './divided-units.ts'
import type { PartitionGoal } from './partition-goal.ts'

/** p50 in ms of each operation of one unit, 1 in flight, in turns. */
async function medians(
  context: GoalContext,
  what: string,
  unit: RunningSubject,
  operations: readonly string[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const contenders = operations.map((name) => ({
    name,
    sample: async () => (await unit.run(name, context.run(1))).p50,
  }))
  return await context.interleave(what, contenders)
}

/** A request that is passed on, beside a local one, and a request of NATS that does nothing. */
export const passedOn: PartitionGoal = {
  name: 'passed-on',
  async measure(context, { partitions, entriesFew: entries }) {
    const all = await DividedUnits.startTwo(context, { partitions, copies: 1, entries })
    await all.first.request('choose')
    const names = ['queryOwn', 'queryOther', 'touchOwn', 'touchOther', 'echo']
    const found = await medians(context, 'passed on', all.first, names)
    await all.close()
    const of = (name: string) => found.get(name) ?? []
    const ms = (name: string) => `${short(spreadOf(of(name)).median)} ms`
    const row = (what: string, own: string, other: string): GoalRow => {
      const more = of(other).map((passed, round) => passed - (of(own)[round] ?? Number.NaN))
      const ratio = ratioOf(more, of('echo'))
      return {
        what: `p50 of a ${what} that is passed on, 1 in flight`,
        goal: 'at most 2.2 times a bare NATS request/reply more than a local one',
        measured: `${ms(other)}, local ${ms(own)}`,
        peer: `bare NATS request/reply: ${ms('echo')}`,
        ratio,
        met: ratio.median <= 2.2,
      }
    }
    const rows = [row('query', 'queryOwn', 'queryOther'), row('command', 'touchOwn', 'touchOther')]
    return { rows }
  },
}

/** A command across two partitions beside one of one, in units of the same space. */
export const acrossTwo: PartitionGoal = {
  name: 'across-two',
  async measure(context, { partitions, copies, entriesFew: entries }) {
    const rows: GoalRow[] = []
    const kinds = [
      { units: 1, copies: 1 },
      { units: 2, copies },
    ]
    for (const kind of kinds) {
      const options = { partitions, entries, ...kind }
      const all =
        kind.units === 2
          ? await DividedUnits.startTwo(context, options)
          : await DividedUnits.start(context, kind.units, options)
      await all.first.request('choose')
      const operations = ['move', 'moveOn', 'touchAny']
      const found = await medians(context, 'across two', all.first, operations)
      await all.close()
      const one = found.get('touchAny') ?? []
      const where = kind.units === 1 ? 'one unit' : `${kind.units} units, ${kind.copies} copies`
      const row = (what: string, across: readonly number[]) => {
        const ratio = ratioOf(across, one)
        rows.push({
          what: `p50 of a command across two partitions, ${what}1 in flight, ${where}`,
          goal: 'at most 4 times a command of one partition',
          measured: `${short(spreadOf(across).median)} ms`,
          peer: `of one partition: ${short(spreadOf(one).median)} ms`,
          ratio,
          met: ratio.median <= 4,
        })
      }
      row('', found.get('move') ?? [])
      row('going on with an entry of the one before, ', found.get('moveOn') ?? [])
    }
    return { rows }
  },
}
