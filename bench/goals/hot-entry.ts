import { type RunningSubject, runTogether } from '../processes/running-subject.ts'
import type { RunResult } from '../processes/subject.ts'
import { figureOf, perSecondText, rates } from './figures.ts'
import type { Figure, Goal, GoalRow } from './goal.ts'
import type { GoalContext } from './goal-context.ts'
import { type PeerName, startClients, startUnits } from './peers.ts'
import { ratioOf, spreadOf } from './spread.ts'

interface Line {
  readonly name: string
  readonly subjects: readonly RunningSubject[]
  readonly operation: string
}

type Samples = ReadonlyMap<string, readonly RunResult[]>

/** Operations on one hot entry from four units, beside a Lua script of Redis from four clients. */
export const hotEntryOperations: Goal = {
  name: 'hot-entry-operations',
  async measure(context) {
    const inFlight = 64
    const lines: Line[] = [
      { name: ours.operation, subjects: await startUnits(context, 4), operation: 'hotOperation' },
    ]
    lines.push(
      ...(await peerLines(context, 4, [
        ['Redis Lua', 'Redis', 'hotLua'],
        ['Redis Lua, auto-pipelined', 'Redis', 'hotLuaPipelined'],
      ])),
    )
    const samples = await sample(context, lines, inFlight)
    const collisions = (samples.get(ours.operation) ?? []).reduce((sum, it) => sum + it.retries, 0)
    const rateOf = (name: string) => spreadOf(rates(samples.get(name))).median
    const [peer] = [...samples.keys()].slice(1).toSorted((a, b) => rateOf(b) - rateOf(a))
    if (peer === undefined)
      throw new Error('Redis is left out, so there is nothing to compare with')
    const row = ratioRow(samples, ours.operation, peer, 1)
    const rows = [
      {
        ...row,
        what: 'one hot entry, four units, 64 in flight each, operations',
        goal: 'ahead of Redis Lua from four clients; 0 re-executions',
        note: `${collisions} re-executions`,
        met: row.met && collisions === 0,
      },
    ]
    return { rows, figures: figuresOf('one hot counter, four clients', samples, inFlight) }
  },
}

/**
 * Commands with any handler on one hot entry from two and from four units, beside what peers have
 * for a change that depends on what was read. They declare an affinity; without one, for
 * comparison, from two.
 */
export const hotEntryHandler: Goal = {
  name: 'hot-entry-handler',
  async measure(context) {
    const results = []
    for (const clients of [2, 4] as const) results.push(await measureHandler(context, clients))
    return {
      rows: results.flatMap(({ rows }) => rows),
      figures: results.flatMap(({ figures }) => figures),
    }
  },
}

async function measureHandler(context: GoalContext, clients: 2 | 4) {
  const units = await startUnits(context, clients, { affinity: true })
  const inWords = clients === 2 ? 'two' : 'four'
  const without: Line[] = [
    { name: ours.handler, subjects: units, operation: 'hotHandler' },
    { name: ours.operation, subjects: units, operation: 'hotOperation' },
  ]
  const lines: Line[] = [
    { name: ours.affinity, subjects: units, operation: 'hotHome' },
    ...(clients === 2 ? without : []),
    ...(await peerLines(context, clients, [
      ['Redis WATCH', 'Redis', 'hotWatch'],
      ['Redis Lua', 'Redis', 'hotLua'],
      ['Hazelcast replace', 'Hazelcast', 'hotReplace'],
      ['NATS KV update', 'NATS KV', 'hotUpdate'],
      ...(clients === 2 ? inMongo : []),
    ])),
  ]
  const figures: Figure[] = []
  const rows: GoalRow[] = []
  for (const inFlight of clients === 2 ? [1, 8] : [8]) {
    const samples = await sample(context, lines, inFlight)
    figures.push(...figuresOf(`one hot counter, ${inWords} clients`, samples, inFlight))
    if (inFlight === 1) continue
    const what = `one hot entry, ${inWords} units, arbitrary handler, 8 in flight each`
    for (const peer of ['Redis WATCH', 'Hazelcast replace', 'NATS KV update'])
      if (samples.has(peer))
        rows.push({
          ...ratioRow(samples, ours.affinity, peer, 10),
          what,
          goal: 'at least 10 times Redis WATCH, Hazelcast replace and NATS KV update',
        })
    const again = reExecutions(samples.get(ours.affinity) ?? [])
    rows.push({
      what,
      goal: 'below 0.1 re-executions for each commit',
      measured: again.toFixed(3),
      met: again < 0.1,
    })
  }
  for (const subject of new Set(lines.flatMap(({ subjects }) => subjects)))
    await context.close(subject)
  return { rows, figures }
}

const inMongo: readonly (readonly [string, PeerName, string])[] = [
  ['MongoDB $inc', 'MongoDB', 'hotIncrement'],
  ['MongoDB compare and set', 'MongoDB', 'hotCompareAndSet'],
]

function reExecutions(samples: readonly RunResult[]): number {
  const sum = (of: (result: RunResult) => number) =>
    samples.reduce((total, result) => total + of(result), 0)
  return (
    sum(({ retries }) => retries) /
    Math.max(
      1,
      sum(({ operations }) => operations),
    )
  )
}

const ours = {
  affinity: 'Spacegrid, handler with an affinity, disk synced',
  handler: 'Spacegrid, handler, disk synced',
  operation: 'Spacegrid, operation, disk synced',
} as const

async function peerLines(
  context: GoalContext,
  clients: number,
  wanted: readonly (readonly [name: string, peer: PeerName, operation: string])[],
): Promise<Line[]> {
  const lines: Line[] = []
  const started = new Map<PeerName, RunningSubject[]>()
  for (const [name, peer, operation] of wanted) {
    const subjects = started.get(peer) ?? (await startClients(context, peer, clients))
    started.set(peer, subjects)
    if (subjects.length > 0) lines.push({ name, subjects, operation })
  }
  return lines
}

function sample(context: GoalContext, lines: readonly Line[], inFlight: number) {
  return context.interleave(
    `one hot entry, ${inFlight} in flight each`,
    lines.map(({ name, subjects, operation }) => ({
      name,
      sample: () => runTogether(subjects, operation, context.run(inFlight)),
    })),
  )
}

function ratioRow(samples: Samples, own: string, peer: string, limit: number) {
  const ratio = ratioOf(rates(samples.get(own)), rates(samples.get(peer)))
  return {
    measured: perSecondText(spreadOf(rates(samples.get(own))).median),
    peer: `${peer}: ${perSecondText(spreadOf(rates(samples.get(peer))).median)}`,
    ratio,
    met: ratio.median >= limit,
  }
}

const figuresOf = (table: string, samples: Samples, inFlight: number): Figure[] =>
  [...samples].map(([subject, results]) =>
    figureOf({ table, subject, operation: 'increment', inFlight }, results),
  )
