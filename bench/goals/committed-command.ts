import type { RunResult } from '../processes/subject.ts'
import { figureOf, perSecondText, rates } from './figures.ts'
import type { Figure, Goal, GoalRow } from './goal.ts'
import { type PeerName, startPeer, startUnits } from './peers.ts'
import { ratioOf, short, spreadOf } from './spread.ts'

const ours = 'Spacegrid, committed, disk synced'
const synced = 'bare JetStream synced'
const kvSynced = 'NATS KV synced'

/**
 * Who puts, by which operation of whose process. Bare JetStream is no store: it is the floor under
 * any log on it.
 */
const puts: readonly (readonly [name: string, peer: PeerName, operation: string])[] = [
  ['Redis put', 'Redis', 'put'],
  ['Redis put, auto-pipelined', 'Redis', 'pipelinedPut'],
  ['Hazelcast IMap put', 'Hazelcast', 'put'],
  ['Hazelcast ReplicatedMap put', 'Hazelcast', 'replicatedPut'],
  ['NATS KV put', 'NATS KV', 'put'],
  [`${kvSynced} put`, kvSynced, 'put'],
  ['LMDB put, commit awaited', 'LMDB', 'put'],
  ['MongoDB updateOne', 'MongoDB', 'put'],
  ['bare JetStream to own delivery', 'bare JetStream', 'put'],
  [`${synced} to own delivery`, synced, 'put'],
]

/**
 * A command that reads and writes one entry with two indexes, committed and synced, beside every
 * peer's plain put.
 */
export const committedCommand: Goal = {
  name: 'committed-command',
  async measure(context) {
    const [unit] = await startUnits(context, 1)
    const subjects = [{ name: ours, peer: 'Spacegrid', subject: unit, operation: 'put' }]
    const started = new Map<string, typeof unit | undefined>()
    for (const [name, peer, operation] of puts) {
      if (!started.has(peer)) started.set(peer, await startPeer(context, peer))
      const subject = started.get(peer)
      if (subject) subjects.push({ name, peer, subject, operation })
    }
    // Compilers, the Java one above all, need to have seen the work before it counts.
    for (const { name, subject, operation } of subjects) {
      context.say(`warming up: ${name}`)
      await subject.run(operation, { ...context.run(64), ms: context.size(700, 10) })
    }
    const figures: Figure[] = []
    const rows: GoalRow[] = []
    for (const inFlight of [1, 16, 256, 1024]) {
      const samples = await context.interleave(
        `put, ${inFlight} in flight`,
        subjects.map(({ name, subject, operation }) => ({
          name,
          sample: () => subject.run(operation, context.run(inFlight)),
        })),
      )
      for (const { name } of subjects)
        figures.push(
          figureOf(
            { table: 'put', subject: name, operation: 'put', inFlight },
            samples.get(name) ?? [],
          ),
        )
      if (inFlight === 1) rows.push(latencyRow(samples))
      if (inFlight >= 256) rows.push(...rateRows(samples, inFlight))
    }
    return { rows, figures }
  },
}

type Samples = ReadonlyMap<string, readonly RunResult[]>

function latencyRow(samples: Samples): GoalRow {
  const bare = `${synced} to own delivery`
  const medians = (name: string) => (samples.get(name) ?? []).map(({ p50 }) => p50)
  const ratio = ratioOf(medians(ours), medians(bare))
  return {
    what: 'committed command in process, disk synced, 1 in flight, p50',
    goal: 'at most 1.3 times bare JetStream publish-to-own-delivery, disk synced',
    measured: `${short(spreadOf(medians(ours)).median)} ms`,
    peer: `${bare}: ${short(spreadOf(medians(bare)).median)} ms`,
    ratio,
    met: ratio.median <= 1.3,
  }
}

function rateRows(samples: Samples, inFlight: number): GoalRow[] {
  const rateOf = (name: string) => spreadOf(rates(samples.get(name))).median
  const against = (peer: string, goal: string, limit: number): GoalRow => {
    const ratio = ratioTo(samples, peer)
    return {
      what: `committed command in process, disk synced, ${inFlight} in flight`,
      goal,
      measured: perSecondText(rateOf(ours)),
      peer: `${peer}: ${perSecondText(rateOf(peer))}`,
      ratio,
      met: ratio.median >= limit,
    }
  }
  const stores = [...samples.keys()].filter((name) => name !== ours && !name.startsWith('bare'))
  const [fastest, ...others] = stores.toSorted((a, b) => rateOf(b) - rateOf(a))
  if (fastest === undefined) return []
  const ahead = stores.filter((name) => ratioTo(samples, name).median < 1)
  const kv = `${kvSynced} put`
  return [
    {
      ...against(fastest, "ahead of every peer's plain put", 1),
      note: `the fastest of ${others.length + 1}; ahead of it: ${ahead.join(', ') || 'none'}`,
      met: ahead.length === 0,
    },
    ...(samples.has(kv) ? [against(kv, '20 times NATS KV, disk synced', 20)] : []),
  ]
}

const ratioTo = (samples: Samples, peer: string) =>
  ratioOf(rates(samples.get(ours)), rates(samples.get(peer)))
