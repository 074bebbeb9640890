import type { RunningSubject } from '../processes/running-subject.ts'
import type { ReadTimes } from '../processes/time-reads.ts'
import type { Goal, GoalRow } from './goal.ts'
import { startUnits } from './peers.ts'
import { ratioOf, short, spreadOf } from './spread.ts'

const flags = ['--max-semi-space-size=16', '--max-old-space-size=12288']
const inFlight = 256
/** Reads go to so many entries whatever the space holds: else the processor's caches would be measured. */
const readAmong = 10_000

const names = {
  read: 'read (of the same 10,000 entries)',
  command: 'command',
  meld: 'melded transaction',
}

interface Costs {
  /** ns of one read. */
  readonly read: number
  /** us of one command. */
  readonly command: number
  /** us of processor time that a unit which only follows takes for one of them. */
  readonly meld: number
}

/** What a read, a command and its melding cost in spaces of more and more entries, all of them there at the same time. */
export const growth: Goal = {
  name: 'growth',
  async measure(context) {
    const { small, large } = context.settings
    const sizes = small ? [200, 2_000] : [10_000, 1_000_000, ...(large ? [5_000_000] : [])]
    const contenders = []
    for (const entries of sizes) {
      context.say(`loading ${entries} entries, and copying them to a second unit`)
      const [leader, follower] = await startUnits(context, 2, { entries, loads: ['load'], flags })
      const sample = () => costs(context, leader, follower as RunningSubject)
      contenders.push({ name: String(entries), sample })
    }
    const samples = await context.interleave('growth', contenders)
    const [least = 0] = sizes
    const rows = sizes.slice(1).flatMap((entries) =>
      (['read', 'command', 'meld'] as const).map((cost): GoalRow => {
        const of = (size: number) => (samples.get(String(size)) ?? []).map((one) => one[cost])
        const ratio = ratioOf(of(entries), of(least))
        const unit = cost === 'read' ? 'ns' : 'us'
        const each = (size: number) =>
          `${short(spreadOf(of(size)).median)} ${unit} with ${size.toLocaleString('en')}`
        return {
          what: `growth: cost of a ${names[cost]}`,
          goal: 'flat (within 1.5 times, cache misses aside)',
          measured: each(entries),
          peer: each(least),
          ratio,
          met: ratio.median <= 1.5,
        }
      }),
    )
    return { rows }
  },
}

async function costs(
  context: Parameters<Goal['measure']>[0],
  leader: RunningSubject,
  follower: RunningSubject,
): Promise<Costs> {
  const { sampleMs } = context.settings
  const { sameKeyNs } = await leader.request<ReadTimes>('timeReads', sampleMs, readAmong)
  const settings = { ...context.run(inFlight), ms: sampleMs * 2 }
  const before = await follower.request<{ cpuMs: number }>('usage')
  const result = await leader.run('put', { ...settings, warmupMs: 0 })
  const after = await follower.request<{ cpuMs: number }>('usage')
  return {
    read: sameKeyNs,
    command: 1e6 / result.perSecond,
    meld: ((after.cpuMs - before.cpuMs) * 1000) / result.operations,
  }
}
