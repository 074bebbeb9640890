import type { ReadTimes } from '../processes/time-reads.ts'
import { figureOf } from './figures.ts'
import type { Figure, Goal, GoalRow } from './goal.ts'
import type { GoalContext } from './goal-context.ts'
import { startPeer, startUnits } from './peers.ts'
import { ratioOf, short, spreadOf } from './spread.ts'

/**
 * An entry read through the public API beside a bare Map and an lru-cache with the same objects and
 * the same keys.
 */
export const entryRead: Goal = {
  name: 'entry-read',
  async measure(context) {
    const [unit] = await startUnits(context, 1)
    const subjects = new Map([['Spacegrid', unit]])
    for (const name of ['bare Map', 'lru-cache', 'LMDB'] as const) {
      const peer = await startPeer(context, name)
      if (peer) subjects.set(name, peer)
    }
    const ms = context.settings.sampleMs
    const timed = await context.interleave(
      'entry read',
      ['Spacegrid', 'bare Map', 'lru-cache'].flatMap((name) => {
        const subject = subjects.get(name)
        return subject ? [{ name, sample: () => subject.request<ReadTimes>('timeReads', ms) }] : []
      }),
    )
    const row = (kind: keyof ReadTimes, peer: string, limit: number, goal: string): GoalRow => {
      const times = (name: string) => (timed.get(name) ?? []).map((sample) => sample[kind])
      const ratio = ratioOf(times('Spacegrid'), times(peer))
      const keys = kind === 'freshKeyNs' ? 'key string just made' : 'key string used before'
      return {
        what: `entry read, ${keys}`,
        goal,
        measured: `${short(spreadOf(times('Spacegrid')).median)} ns`,
        peer: `${peer}: ${short(spreadOf(times(peer)).median)} ns`,
        ratio,
        met: ratio.median <= limit,
      }
    }
    const twice = 'at most 2 times a bare Map.get'
    return {
      rows: [
        row('freshKeyNs', 'bare Map', 2, twice),
        row('freshKeyNs', 'lru-cache', 1, 'ahead of lru-cache'),
        row('sameKeyNs', 'bare Map', 2, twice),
        row('sameKeyNs', 'lru-cache', 1, 'ahead of lru-cache'),
      ],
      figures: await gets(context, subjects),
    }
  },
}

/** Peers in other processes have a get for the table as well. */
const remote = [
  ['Redis', 'get', 'get'],
  ['Redis', 'pipelinedGet', 'get, auto-pipelined'],
  ['Hazelcast', 'get', 'IMap get'],
  ['Hazelcast', 'nearGet', 'near cache get'],
  ['Hazelcast', 'replicatedGet', 'ReplicatedMap get'],
  ['NATS KV', 'get', 'get'],
  ['MongoDB', 'get', 'findOne'],
] as const

const inProcess = [
  ['Spacegrid', 'get', 'entry read'],
  ['bare Map', 'get', 'get'],
  ['lru-cache', 'get', 'get'],
  ['LMDB', 'cachedGet', 'get, cached'],
  ['LMDB', 'get', 'get, decoded'],
] as const

async function gets(
  context: GoalContext,
  subjects: Map<string, Awaited<ReturnType<typeof startUnits>>[0]>,
): Promise<Figure[]> {
  for (const [name] of remote) {
    if (subjects.has(name)) continue
    const peer = await startPeer(context, name)
    if (peer) subjects.set(name, peer)
  }
  const figures: Figure[] = []
  for (const inFlight of [1, 16, 256]) {
    const lines = inFlight === 1 ? [...inProcess, ...remote] : remote
    const contenders = lines.flatMap(([name, operation, title]) => {
      const subject = subjects.get(name)
      if (!subject) return []
      const sample = () => subject.run(operation, context.run(inFlight))
      return [{ name: `${name} ${title}`, sample, subject: name, operation: title }]
    })
    const samples = await context.interleave(`get, ${inFlight} in flight`, contenders)
    for (const { name, subject, operation } of contenders)
      figures.push(
        figureOf({ table: 'get', subject, operation, inFlight }, samples.get(name) ?? []),
      )
  }
  return figures
}
