import type { GoalRow } from '../goals/goal.ts'
import { ratioOf, short, spreadOf } from '../goals/spread.ts'
import { type Scene, watchScene } from '../profile/scene.ts'
import { DividedUnits } from './divided-units.ts'
import type { PartitionFigure, PartitionGoal } from './partition-goal.ts'

/** In all partitions together: with few, frames are small and a commit costs more than it must. */
const inFlight = 1024
/** Commits that processor time is told for. */
const commits = 100_000

interface Sample {
  /** Processor seconds of all units for so many commits. */
  readonly seconds: number
  readonly perSecond: number
  /** Processor seconds of all units in a second in which nothing is asked of them. */
  readonly idle: number
}

/**
 * Processor time of all units together, by their number: the same load from a process of its own,
 * over NATS, so that what a door, a hop and a presence cost is in it.
 */
export const workPerCommand: PartitionGoal = {
  name: 'work',
  async measure(context, { units, partitions, copies, entriesFew: entries }) {
    const kinds = [
      { kind: 'replicated', partitions: 1, copies },
      { kind: `${partitions} partitions, ${copies} copies`, partitions, copies },
    ]
    const samples = new Map<string, Sample[]>()
    for (const count of units) {
      const contenders = []
      const started: DividedUnits[] = []
      for (const { kind, ...options } of kinds) {
        const all = await DividedUnits.start(context, count, { ...options, entries })
        const client = await all.client()
        started.push(all)
        contenders.push({
          name: `${kind} ${count}`,
          sample: async (): Promise<Sample> => {
            const run = context.run(inFlight)
            await client.run('touch', { ...run, ms: run.warmupMs, warmupMs: 0 })
            const before = await all.cpuMs()
            const { operations, perSecond } = await client.run('touch', { ...run, warmupMs: 0 })
            const after = await all.cpuMs()
            await new Promise((wake) => setTimeout(wake, run.ms))
            const idleMs = (await all.cpuMs()) - after
            const seconds = ((after - before) / 1000 / operations) * commits
            return { seconds, perSecond, idle: idleMs / run.ms }
          },
        })
      }
      const found = await context.interleave(`work per command, ${count} units`, contenders)
      for (const [name, list] of found) samples.set(name, list)
      for (const all of started) await all.close()
    }
    const of = (kind: string, count: number, read: (sample: Sample) => number) =>
      (samples.get(`${kind} ${count}`) ?? []).map(read)
    const from = units.find((count) => count >= copies) ?? 1
    const most = units.at(-1) ?? 1
    const [replicated, divided] = kinds.map(({ kind }) => kind) as [string, string]
    const text = (kind: string, count: number) =>
      `${short(spreadOf(of(kind, count, ({ seconds }) => seconds)).median)} s with ${count}`
    const ratio = ratioOf(
      of(divided, most, ({ seconds }) => seconds),
      of(divided, from, ({ seconds }) => seconds),
    )
    const grows = ratioOf(
      of(replicated, most, ({ seconds }) => seconds),
      of(replicated, from, ({ seconds }) => seconds),
    )
    // Of few commits a second most of the time is that of units at rest.
    const netOf = ({ seconds, perSecond, idle }: Sample) => seconds - (idle / perSecond) * commits
    const net = ratioOf(of(divided, most, netOf), of(divided, from, netOf))
    const row: GoalRow = {
      what: `processor time of all units for ${commits.toLocaleString('en')} commits, ${divided}, ${from} to ${most} units`,
      goal: `flat within 1.3 times from ${from} to ${most} units`,
      measured: units.map((count) => text(divided, count)).join(', '),
      peer: `replicated: ${units.map((count) => text(replicated, count)).join(', ')}; grows ${short(grows.median)} times`,
      ratio,
      note: `without what the units take at rest ${short(net.median)} times`,
      met: ratio.median <= 1.3,
    }
    const reads = [
      ['processor time for 100,000 commits', 's', ({ seconds }: Sample) => seconds],
      [
        'commits from one client, 1,024 in flight',
        'commits/s',
        ({ perSecond }: Sample) => perSecond,
      ],
      ['processor time while nothing is asked', 's in a second', ({ idle }: Sample) => idle],
    ] as const
    const figures = reads.flatMap(([table, yLabel, read]) =>
      kinds.flatMap(({ kind }) =>
        units.map((count): PartitionFigure => {
          const y = spreadOf(of(kind, count, read))
          return { table, series: kind, xLabel: 'units', x: count, yLabel, y }
        }),
      ),
    )
    return { rows: [row], figures }
  },
  async profile(context, { units, partitions, copies, entriesFew: entries }) {
    const scenes: Scene[] = []
    const few = units.find((count) => count >= copies) ?? 1
    for (const count of new Set([few, units.at(-1) ?? few])) {
      const all = await DividedUnits.start(context, count, { partitions, copies, entries })
      const client = await all.client()
      const run = () => client.run('touch', context.run(inFlight))
      await run()
      const what = `work per command: ${partitions} partitions, ${copies} copies, ${count} units`
      const roles = { units: all.units, client: [client] }
      scenes.push(await watchScene(context, what, { roles, servers: ['nats'], run }))
      await all.close()
    }
    return scenes
  },
}
