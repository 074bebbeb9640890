import type { RunningSubject } from '../processes/running-subject.ts'
import type { RunResult } from '../processes/subject.ts'
import { perSecondText, rates } from './figures.ts'
import type { Goal } from './goal.ts'
import type { GoalContext } from './goal-context.ts'
import { startPeer, startUnits } from './peers.ts'
import { short, spreadOf, spreadText } from './spread.ts'

const inFlight = 256

/**
 * How far the slow commits are from the usual ones when a unit is offered half of what it could do.
 * Beside it what the log alone does at half of what it can do: commits cannot be steadier than the
 * disk under them.
 */
export const halfLoad: Goal = {
  name: 'half-load',
  async measure(context) {
    const [unit] = await startUnits(context, 1)
    const bare = await startPeer(context, 'bare JetStream synced')
    const samples = await context.interleave('half load', [
      { name: 'ours', sample: () => atHalfLoad(context, unit) },
      ...(bare ? [{ name: 'bare', sample: () => atHalfLoad(context, bare) }] : []),
    ])
    const ours = samples.get('ours') ?? []
    const theirs = samples.get('bare')
    const ratio = spreadOf(tails(ours))
    return {
      rows: [
        {
          what: `commits at half load (arrivals at random, ${perSecondText(spreadOf(rates(ours)).median)}), p99 by p50`,
          goal: 'at most 5',
          measured: latencies(ours),
          ratio,
          met: ratio.median <= 5,
          ...(theirs
            ? {
                peer: `bare JetStream synced at its half load: ${latencies(theirs)}`,
                note: `ratio of bare JetStream: ${spreadText(spreadOf(tails(theirs)))}`,
              }
            : {}),
        },
      ],
    }
  },
}

async function atHalfLoad(context: GoalContext, subject: RunningSubject): Promise<RunResult> {
  const { sampleMs } = context.settings
  const full = await subject.run('put', { ...context.run(inFlight), ms: sampleMs * 2 })
  const rate = full.perSecond / 2
  return await subject.run('put', { ...context.run(inFlight), rate, ms: sampleMs * 5 })
}

const tails = (results: readonly RunResult[]) => results.map(({ p50, p99 }) => p99 / p50)

function latencies(results: readonly RunResult[]): string {
  const median = (read: (result: RunResult) => number) => short(spreadOf(results.map(read)).median)
  return `p99 ${median(({ p99 }) => p99)} ms, p50 ${median(({ p50 }) => p50)} ms`
}
