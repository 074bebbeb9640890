import type { RunningSubject } from '../processes/running-subject.ts'
import type { Goal } from './goal.ts'
import type { GoalContext } from './goal-context.ts'
import { startUnits } from './peers.ts'
import { short } from './spread.ts'

const flags = ['--expose-gc', '--max-old-space-size=8192']

/**
 * What an entry takes in the memory of a unit that has it from a peer, indexes and versions
 * included, beside a bare Map.
 */
export const memory: Goal = {
  name: 'memory',
  async measure(context) {
    const entries = context.size(300_000, 50_000)
    const unit = await bytesEach(context, entries, async (count) => {
      const [, copy] = await startUnits(context, 2, { entries: count, loads: ['load'], flags })
      return copy as RunningSubject
    })
    const map = await bytesEach(context, entries, (count) =>
      context.start('map-footprint', { entries: count }, flags),
    )
    const ratio = unit / map
    return {
      rows: [
        {
          what: `memory per entry, two indexes and versions, ${entries.toLocaleString('en')} entries`,
          goal: 'at most 1.5 times a bare Map of the same objects',
          measured: `${short(unit)} bytes`,
          peer: `bare Map: ${short(map)} bytes`,
          ratio: { median: ratio, min: ratio, max: ratio },
          met: ratio <= 1.5,
        },
      ],
    }
  },
}

/** Less what the process takes with hardly anything in it. */
async function bytesEach(
  context: GoalContext,
  entries: number,
  start: (entries: number) => Promise<RunningSubject>,
): Promise<number> {
  const bytes = async (count: number) => {
    context.say(`memory of ${count} entries`)
    const subject = await start(count)
    const usage = await subject.request<{ bytes: number }>('usage')
    await context.closeAll()
    return usage.bytes
  }
  const few = Math.round(entries / 100)
  const base = await bytes(few)
  return ((await bytes(entries)) - base) / (entries - few)
}
