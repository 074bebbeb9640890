import { setTimeout as pause } from 'node:timers/promises'
import { newSpaceName } from '../hot-path/bench-unit.ts'
import { givingWay, type RunningSubject } from '../processes/running-subject.ts'
import type { Goal } from './goal.ts'
import type { GoalContext } from './goal-context.ts'
import { scan, startScanned } from './redis-scan.ts'
import { ratioOf, short, spreadOf } from './spread.ts'

const flags = ['--max-semi-space-size=16', '--max-old-space-size=8192']

/**
 * A unit that joins copies everything from a peer, which goes on serving; beside a client that
 * copies a hash of Redis into a Map. Both have just been started.
 */
export const joining: Goal = {
  name: 'joining',
  async measure(context) {
    const entries = context.size(1_000_000, 2_000)
    const settings = {
      natsUrl: await context.servers.url('nats'),
      space: newSpaceName(),
      of: 1,
      entries,
      loads: ['load'],
    }
    context.say(`loading ${entries} entries`)
    const donor = await context.start('processing-unit', { ...settings, number: 0 }, flags)
    const scanned = await startScanned(context, entries)
    const idle = await longestBlock(donor, () => pause(context.settings.sampleMs))
    const samples = await context.interleave(`joining, ${entries} entries`, [
      { name: 'joining from a peer', sample: () => join(context, settings) },
      {
        name: 'donor',
        sample: () => longestBlock(donor, () => join(context, settings, [...flags, givingWay])),
      },
      ...(scanned ? [{ name: 'Redis HSCAN', sample: () => scan(context, entries, flags) }] : []),
    ])
    const ours = samples.get('joining from a peer') ?? []
    const theirs = samples.get('Redis HSCAN')
    const ratio = theirs && ratioOf(theirs, ours)
    const rate = (ms: readonly number[]) =>
      `${Math.round((entries * 1000) / spreadOf(ms).median).toLocaleString('en')} entries/s`
    const what = `joining from a peer, ${entries.toLocaleString('en')} entries with two indexes`
    const block = spreadOf(samples.get('donor') ?? [])
    return {
      rows: [
        {
          what,
          goal: 'at least 5 times faster than Redis HSCAN into a Map',
          measured: `${short(spreadOf(ours).median / 1000)} s, ${rate(ours)}`,
          ...(theirs && ratio
            ? {
                peer: `Redis HSCAN: ${short(spreadOf(theirs).median / 1000)} s, ${rate(theirs)}`,
                ratio,
              }
            : { note: 'Redis is left out' }),
          met: ratio && ratio.median >= 5,
        },
        {
          what: `${what}: the longest the donor is blocked (the joining unit gives way to it)`,
          goal: 'never over 5 ms',
          measured: `${short(block.median)} ms (${short(block.min)}..${short(block.max)})`,
          note: `${short(idle)} ms when nobody joins`,
          met: block.median <= 5,
        },
      ],
    }
  },
}

/** @returns ms from the start of a unit until it is ready */
async function join(
  context: GoalContext,
  settings: object,
  ownFlags: readonly string[] = flags,
): Promise<number> {
  const unit = await context.start('processing-unit', { ...settings, number: 1 }, ownFlags)
  const readyMs = await unit.request<number>('readyMs')
  await context.close(unit)
  return readyMs
}

/** @returns ms */
async function longestBlock(unit: RunningSubject, during: () => Promise<unknown>): Promise<number> {
  await unit.request('watchDelay')
  await during()
  return await unit.request<number>('longestDelayMs')
}
