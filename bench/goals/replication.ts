import { newSpaceName } from '../hot-path/bench-unit.ts'
import type { Delays } from '../processes/delay-record.ts'
import type { RunningSubject } from '../processes/running-subject.ts'
import type { Goal } from './goal.ts'
import type { GoalContext } from './goal-context.ts'
import { ratioOf, short, spreadOf } from './spread.ts'

/**
 * From the call of a command on one unit until its entry can be read on another, beside a message
 * from publisher to consumer.
 */
export const replication: Goal = {
  name: 'replication',
  async measure(context) {
    const natsUrl = await context.servers.url('nats')
    const space = newSpaceName()
    const stream = newSpaceName()
    const unit = (number: number) => context.start('replicated-unit', { natsUrl, space, number })
    const bare = (follows: boolean) => context.start('jetstream', { url: natsUrl, stream, follows })
    const units = [await unit(0), await unit(1)] as const
    const processes = [await bare(false), await bare(true)] as const
    const samples = await context.interleave('replication', [
      { name: 'ours', sample: () => delays(context, ...units) },
      { name: 'bare', sample: () => delays(context, ...processes) },
    ])
    const of = (name: string, read: (sample: Delays) => number) =>
      (samples.get(name) ?? []).map(read)
    const p50 = ({ p50 }: Delays) => p50
    const p99 = ({ p99 }: Delays) => p99
    const ratio = ratioOf(of('ours', p50), of('bare', p50))
    return {
      rows: [
        {
          what: 'replication: from the call until visible on another unit, disk synced, 1 in flight, p50',
          goal: 'at most 1.5 times bare JetStream delivery, disk synced',
          measured: `${short(spreadOf(of('ours', p50)).median)} ms`,
          peer: `bare JetStream: ${short(spreadOf(of('bare', p50)).median)} ms`,
          ratio,
          met: ratio.median <= 1.5,
          note: `p99 ${short(spreadOf(of('ours', p99)).median)} ms, bare ${short(spreadOf(of('bare', p99)).median)} ms`,
        },
      ],
    }
  },
}

async function delays(
  context: GoalContext,
  sender: RunningSubject,
  follower: RunningSubject,
): Promise<Delays> {
  await sender.run('publish', { ...context.run(1), warmupMs: 0, ms: context.settings.sampleMs / 4 })
  await follower.request('startDelays')
  await sender.run('publish', { ...context.run(1), warmupMs: 0, ms: context.settings.sampleMs * 2 })
  return await follower.request<Delays>('delays')
}
