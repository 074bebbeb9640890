import { perSecondText, rates } from '../goals/figures.ts'
import type { GoalRow } from '../goals/goal.ts'
import { type PeerName, startClients } from '../goals/peers.ts'
import { ratioOf, short, spreadOf } from '../goals/spread.ts'
import { type RunningSubject, runTogether } from '../processes/running-subject.ts'
import { DividedUnits } from './divided-units.ts'
import type { PartitionGoal } from './partition-goal.ts'

const clients = 2
const inFlight = 8
const ours = 'Spacegrid, at home'
const peers = [
  ['Redis WATCH', 'Redis', 'hotWatch'],
  ['Hazelcast replace', 'Hazelcast', 'hotReplace'],
  ['NATS KV update', 'NATS KV', 'hotUpdate'],
] as const satisfies readonly (readonly [string, PeerName, string])[]

/** One hot key of a divided space, whose commands all go home, whatever the handler does. */
export const hotKey: PartitionGoal = {
  name: 'hot-key',
  async measure(context, { partitions, copies, entriesFew: entries }) {
    const all = await DividedUnits.start(context, clients, { partitions, copies, entries })
    const lines: [string, readonly RunningSubject[], string][] = [[ours, all.units, 'touchHot']]
    for (const [name, peer, operation] of peers) {
      const started = await startClients(context, peer, clients)
      if (started.length > 0) lines.push([name, started, operation])
    }
    const contenders = lines.map(([name, subjects, operation]) => ({
      name,
      sample: () => runTogether(subjects, operation, context.run(inFlight)),
    }))
    const samples = await context.interleave('one hot key', contenders)
    await all.close()
    const own = samples.get(ours) ?? []
    const again = spreadOf(own.map((it) => it.retries / Math.max(1, it.operations)))
    const rows = lines.slice(1).map(([name]): GoalRow => {
      const ratio = ratioOf(rates(own), rates(samples.get(name)))
      return {
        what: 'one hot key, any handler, two units, 8 in flight each, commands go home',
        goal: `at least 10 times ${name}`,
        measured: perSecondText(spreadOf(rates(own)).median),
        peer: `${name}: ${perSecondText(spreadOf(rates(samples.get(name))).median)}`,
        ratio,
        note: `${short(again.median)} executed again for each commit`,
        met: ratio.median >= 10,
      }
    })
    return { rows }
  },
}
