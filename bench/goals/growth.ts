import { fewEntries } from '../processes/keys.ts'
import type { RunningSubject } from '../processes/running-subject.ts'
import type { ReadTimes } from '../processes/time-reads.ts'
import type { Goal, GoalRow } from './goal.ts'
import { startUnits } from './peers.ts'
import { ratioOf, short, spreadOf, spreadText } from './spread.ts'

const flags = ['--max-semi-space-size=16', '--max-old-space-size=12288']
const inFlight = 256

const names = {
  read: 'read',
  command: 'command',
  meld: 'melded transaction',
}

interface Costs {
  /** ns of one read. */
  readonly read: number
  /** ns of one read of a bare Map. */
  readonly mapRead: number
  /** us of one command. */
  readonly command: number
  /** us of processor time that a unit which only follows takes for one of them. */
  readonly meld: number
}

/**
 * What a read, a command and its melding cost in spaces of more and more entries, all of them there
 * at the same time. All work on the same few entries whatever the space holds: else the processor's
 * caches would be measured. A bare Map grows beside them, for a look-up in a large one meets
 * entries of others on its way, and these are in no cache.
 */
export const growth: Goal = {
  name: 'growth',
  async measure(context) {
    const { small, large } = context.settings
    const sizes = small ? [200, 2_000] : [10_000, 1_000_000, ...(large ? [5_000_000] : [])]
    const contenders = []
    for (const entries of sizes) {
      context.say(`loading ${entries} entries, and copying them to a second unit`)
      const [leader, follower] = await startUnits(context, 2, { entries, loads: ['load'], flags })
      const map = await context.start('memory', { kind: 'map', entries }, flags)
      const subjects = { leader, follower: follower as RunningSubject, map }
      contenders.push({ name: String(entries), sample: () => costs(context, subjects) })
    }
    const samples = await context.interleave('growth', contenders)
    const [least = 0] = sizes
    const of = (size: number, cost: keyof Costs) =>
      (samples.get(String(size)) ?? []).map((one) => one[cost])
    const rows = sizes.slice(1).flatMap((entries) =>
      (['read', 'command', 'meld'] as const).map((cost): GoalRow => {
        const ratio = ratioOf(of(entries, cost), of(least, cost))
        const each = (size: number) =>
          `${short(spreadOf(of(size, cost)).median)} ${cost === 'read' ? 'ns' : 'us'} with ${size.toLocaleString('en')}`
        const map = ratioOf(of(entries, 'mapRead'), of(least, 'mapRead'))
        // A look-up in a large Map costs more by itself, so the read's growth is judged beside it.
        const growths = cost === 'read' ? ratio.median / map.median : ratio.median
        return {
          what: `growth: cost of a ${names[cost]} (of the same ${fewEntries.toLocaleString('en')} entries)`,
          goal: 'flat (within 1.5 times, cache misses aside)',
          measured: each(entries),
          peer: each(least),
          ratio,
          note: `a read of a bare Map grows ${spreadText(map)} times${cost === 'read' ? `; by that, ${short(growths)}` : ''}`,
          met: growths <= 1.5,
        }
      }),
    )
    return { rows }
  },
}

async function costs(
  context: Parameters<Goal['measure']>[0],
  { leader, follower, map }: Readonly<Record<'leader' | 'follower' | 'map', RunningSubject>>,
): Promise<Costs> {
  const { sampleMs } = context.settings
  const read = await leader.request<ReadTimes>('timeReads', sampleMs, fewEntries)
  const mapRead = await map.request<ReadTimes>('timeReads', sampleMs, fewEntries)
  const settings = { ...context.run(inFlight), ms: sampleMs * 2 }
  const before = await follower.request<{ cpuMs: number }>('usage')
  const result = await leader.run('putFew', { ...settings, warmupMs: 0 })
  const after = await follower.request<{ cpuMs: number }>('usage')
  return {
    read: read.sameKeyNs,
    mapRead: mapRead.sameKeyNs,
    command: 1e6 / result.perSecond,
    meld: ((after.cpuMs - before.cpuMs) * 1000) / result.operations,
  }
}
