import { perSecondText, rates } from '../goals/figures.ts'
import type { GoalRow } from '../goals/goal.ts'
import type { GoalContext } from '../goals/goal-context.ts'
import { type PeerName, startClients } from '../goals/peers.ts'
import { ratioOf, short, spreadOf } from '../goals/spread.ts'
import type { BenchServerName } from '../processes/bench-servers.ts'
import { type RunningSubject, runTogether } from '../processes/running-subject.ts'
import { type Scene, watchScene } from '../profile/scene.ts'
import { DividedUnits } from './divided-units.ts'
import type { PartitionGoal, PartitionSizes } from './partition-goal.ts'

const clients = 2
const inFlight = 8
const ours = ['divided, at home', 'one partition, affinity'] as const
const peers = [
  ['Redis WATCH', 'Redis', 'hotWatch', 'redis'],
  ['Hazelcast replace', 'Hazelcast', 'hotReplace', 'hazelcast'],
  ['NATS KV update', 'NATS KV', 'hotUpdate', 'natsDefaultSync'],
] as const satisfies readonly (readonly [string, PeerName, string, BenchServerName])[]

interface Line {
  readonly name: string
  readonly subjects: readonly RunningSubject[]
  readonly operation: string
  readonly server: BenchServerName
}

/** Our two ways and the peers, each started; peers that cannot be had are left out. */
async function startLines(
  context: GoalContext,
  { partitions, copies, entriesFew: entries }: PartitionSizes,
): Promise<Line[]> {
  const lines: Line[] = []
  for (const [at, count] of [partitions, 1].entries()) {
    const options = { partitions: count, copies, entries }
    const { units } = await DividedUnits.start(context, clients, options)
    const name = ours[at] as string
    lines.push({ name, subjects: units, operation: 'touchHot', server: 'nats' })
  }
  for (const [name, peer, operation, server] of peers) {
    const subjects = await startClients(context, peer, clients)
    if (subjects.length > 0) lines.push({ name, subjects, operation, server })
  }
  return lines
}

/**
 * One hot key, whose commands all go to one unit, whatever the handler does: in a divided space
 * always, in a space with one partition as soon as they collide.
 */
export const hotKey: PartitionGoal = {
  name: 'hot-key',
  async measure(context, sizes) {
    const lines = await startLines(context, sizes)
    const contenders = lines.map(({ name, subjects, operation }) => ({
      name,
      sample: () => runTogether(subjects, operation, context.run(inFlight)),
    }))
    const samples = await context.interleave('one hot key', contenders)
    const of = (name: string) => samples.get(name) ?? []
    const rateOf = (name: string) => perSecondText(spreadOf(rates(of(name))).median)
    const rows = ours.flatMap((own) =>
      lines.slice(ours.length).map(({ name }): GoalRow => {
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
  async profile(context, sizes) {
    const scenes: Scene[] = []
    for (const { name, subjects, operation, server } of await startLines(context, sizes)) {
      const run = () => runTogether(subjects, operation, context.run(inFlight))
      await run()
      const what = `one hot key, ${clients} processes, ${inFlight} in flight each: ${name}`
      const roles = await rolesOf(name, subjects)
      scenes.push(await watchScene(context, what, { roles, servers: [server], run }))
    }
    return scenes
  },
}

/** A process of ours that is home does all the commands, and the other one passes its own on. */
async function rolesOf(name: string, subjects: readonly RunningSubject[]) {
  if (!ours.some((own) => own === name)) return { clients: subjects }
  const isHome = await Promise.all(subjects.map((unit) => unit.request<boolean>('isHomeOfHot')))
  return {
    'home unit': subjects.filter((_, at) => isHome[at]),
    'unit that passes on': subjects.filter((_, at) => !isHome[at]),
  }
}
