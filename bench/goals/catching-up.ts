import { setTimeout as pause } from 'node:timers/promises'
import type { RunningSubject } from '../processes/running-subject.ts'
import type { Goal } from './goal.ts'
import type { GoalContext } from './goal-context.ts'
import { startUnits } from './peers.ts'
import { short, spreadOf } from './spread.ts'

const frozenMs = 1000

/**
 * A unit that was frozen while another one committed: the longest it does nothing else while it
 * makes up for that.
 */
export const catchingUp: Goal = {
  name: 'catching-up',
  async measure(context) {
    const rate = context.size(40_000, 400)
    const [busy, ...others] = await startUnits(context, 2)
    const [frozen] = others as [RunningSubject]
    const samples = await context.interleave('catching up', [
      { name: 'unit', sample: () => longestBlock(context, busy, frozen, rate) },
    ])
    const block = spreadOf(samples.get('unit') ?? [])
    return {
      rows: [
        {
          what: `catching up after ${frozenMs} ms in which another unit committed ${rate.toLocaleString('en')}/s: the longest a unit is blocked`,
          goal: 'never over 5 ms',
          measured: `${short(block.median)} ms (${short(block.min)}..${short(block.max)})`,
          met: block.median <= 5,
        },
      ],
    }
  },
}

async function longestBlock(
  context: GoalContext,
  busy: RunningSubject,
  frozen: RunningSubject,
  rate: number,
): Promise<number> {
  const { sampleMs } = context.settings
  const load = busy.run('put', { ...context.run(256), rate, ms: frozenMs + 2 * sampleMs })
  // Waited for at the end; until then nobody else would hear it fail.
  load.catch(() => undefined)
  await pause(sampleMs / 2)
  frozen.pause()
  await pause(frozenMs)
  const watched = frozen.request('watchDelay')
  frozen.resume()
  await watched
  await load
  return await frozen.request<number>('longestDelayMs')
}
