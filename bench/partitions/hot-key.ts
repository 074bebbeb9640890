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

/** Who wants the key: processes, each with so many commands in flight. */
interface Crowd {
  readonly processes: number
  readonly inFlight: number
}

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
  processes: number,
): Promise<Line[]> {
  const lines: Line[] = []
  for (const [at, count] of [partitions, 1].entries()) {
    const options = { partitions: count, copies, entries }
    const { units } = await DividedUnits.start(context, processes, options)
    const name = ours[at] as string
    lines.push({ name, subjects: units, operation: 'touchHot', server: 'nats' })
  }
  for (const [name, peer, operation, server] of peers) {
    const subjects = await startClients(context, peer, processes)
    if (subjects.length > 0) lines.push({ name, subjects, operation, server })
  }
  return lines
}

/**
 * One hot key, whose commands all go to one unit, whatever the handler does: in a divided space
 * always, in a space with one partition as soon as they collide.
 */
const oneKeyWantedBy = (name: string, { processes, inFlight }: Crowd): PartitionGoal => ({
  name,
  async measure(context, sizes) {
    const lines = await startLines(context, sizes, processes)
    const contenders = lines.map(({ name: line, subjects, operation }) => ({
      name: line,
      sample: () => runTogether(subjects, operation, context.run(inFlight)),
    }))
    const samples = await context.interleave('one hot key', contenders)
    const of = (line: string) => samples.get(line) ?? []
    const rateOf = (line: string) => perSecondText(spreadOf(rates(of(line))).median)
    const rows = ours.flatMap((own) =>
      lines.slice(ours.length).map(({ name: peer }): GoalRow => {
        const ratio = ratioOf(rates(of(own)), rates(of(peer)))
        const again = spreadOf(of(own).map((it) => it.retries / Math.max(1, it.operations)))
        return {
          what: `one hot key, any handler, ${processes} units, ${inFlight} in flight each, ${own}`,
          goal: `at least 10 times ${peer}, below 0.1 executed again for each commit`,
          measured: rateOf(own),
          peer: `${peer}: ${rateOf(peer)}`,
          ratio,
          note: `${short(again.median)} executed again for each commit`,
          met: ratio.median >= 10 && again.median < 0.1,
        }
      }),
    )
    return { rows }
  },
  async profile(context, sizes) {
    const scenes: Scene[] = []
    const lines = await startLines(context, sizes, processes)
    for (const { name: line, subjects, operation, server } of lines) {
      const run = () => runTogether(subjects, operation, context.run(inFlight))
      await run()
      const what = `one hot key, ${processes} processes, ${inFlight} in flight each: ${line}`
      const roles = await rolesOf(line, subjects)
      scenes.push(await watchScene(context, what, { roles, servers: [server], run }))
    }
    return scenes
  },
})

export const hotKey = oneKeyWantedBy('hot-key', { processes: 2, inFlight: 8 })

/** The end of an auction: more units, and many who bid at the same time. */
export const hotAuction = oneKeyWantedBy('hot-auction', { processes: 4, inFlight: 64 })

/** A process of ours that is home does all the commands, and the other one passes its own on. */
async function rolesOf(name: string, subjects: readonly RunningSubject[]) {
  if (!ours.some((own) => own === name)) return { clients: subjects }
  const isHome = await Promise.all(subjects.map((unit) => unit.request<boolean>('isHomeOfHot')))
  return {
    'home unit': subjects.filter((_, at) => isHome[at]),
    'units that pass on': subjects.filter((_, at) => !isHome[at]),
  }
}
