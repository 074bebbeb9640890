import { perSecondText, rates } from '../goals/figures.ts'
import type { GoalRow } from '../goals/goal.ts'
import { type PeerName, startClients } from '../goals/peers.ts'
import { ratioOf, short, spreadOf } from '../goals/spread.ts'
import { type RunningSubject, runTogether } from '../processes/running-subject.ts'
import { DividedUnits } from './divided-units.ts'
import type { PartitionGoal } from './partition-goal.ts'

const clients = 2
const inFlight = 8
const ours = ['divided, at home', 'one partition, affinity'] as const
const peers = [
  ['Redis WATCH', 'Redis', 'hotWatch'],
  ['Hazelcast replace', 'Hazelcast', 'hotReplace'],
  ['NATS KV update', 'NATS KV', 'hotUpdate'],
] as const satisfies readonly (readonly [string, PeerName, string])[]

/**
 * One hot key, whose commands all go to one unit, whatever the handler does: in a divided space
 * always, in a space with one partition as soon as they collide.
 */
export const hotKey: PartitionGoal = {
  name: 'hot-key',
  async measure(context, { partitions, copies, entriesFew: entries }) {
    const lines: [string, readonly RunningSubject[], string][] = []
    for (const [at, count] of [partitions, 1].entries()) {
      const options = { partitions: count, copies, entries }
      const { units } = await DividedUnits.start(context, clients, options)
      lines.push([ours[at] as string, units, 'touchHot'])
    }
    for (const [name, peer, operation] of peers) {
      const started = await startClients(context, peer, clients)
      if (started.length > 0) lines.push([name, started, operation])
    }
    const contenders = lines.map(([name, subjects, operation]) => ({
      name,
      sample: () => runTogether(subjects, operation, context.run(inFlight)),
    }))
    const samples = await context.interleave('one hot key', contenders)
    const of = (name: string) => samples.get(name) ?? []
    const rateOf = (name: string) => perSecondText(spreadOf(rates(of(name))).median)
    const rows = ours.flatMap((own) =>
      lines.slice(ours.length).map(([name]): GoalRow => {
        const ratio = ratioOf(rates(of(own)), rates(of(name)))
        const again = of(own).map((it) => it.retries / Math.max(1, it.operations))
        return {
          what: `one hot key, any handler, two units, 8 in flight each, ${own}`,
          goal: `at least 10 times ${name}`,
          measured: rateOf(own),
          peer: `${name}: ${rateOf(name)}`,
          ratio,
          note: `${short(spreadOf(again).median)} executed again for each commit`,
          met: ratio.median >= 10,
        }
      }),
    )
    return { rows }
  },
}
