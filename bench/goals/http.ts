import type { RunningSubject } from '../processes/running-subject.ts'
import { perSecondText, rates } from './figures.ts'
import type { Goal } from './goal.ts'
import type { GoalContext } from './goal-context.ts'
import { startUnits } from './peers.ts'
import { ratioOf, spreadOf } from './spread.ts'

/**
 * A command waits for the disk: with few connections all of them wait together, and nobody works
 * meanwhile.
 */
const connectionCounts = [64, 256]
const goals = { query: 0.85, command: 0.7 } as const

/**
 * Queries and commands over HTTP beside fastify with the same routes, schemas and serialization and
 * no work behind them.
 */
export const http: Goal = {
  name: 'http',
  async measure(context) {
    const [unit] = await startUnits(context, 1, { doors: true })
    const bare = await context.start('bare-fastify', { space: 'bare' })
    const ours = await callers(context, unit, await unit.request<string>('space'))
    const theirs = await callers(context, bare, 'bare')
    const rows = []
    for (const operation of ['query', 'command'] as const)
      for (const connections of connectionCounts) {
        const run = (subject: RunningSubject) => subject.run(operation, context.run(connections))
        const samples = await context.interleave(`HTTP ${operation}, ${connections} connections`, [
          { name: 'Spacegrid', sample: () => run(ours) },
          { name: 'bare fastify', sample: () => run(theirs) },
        ])
        const own = rates(samples.get('Spacegrid'))
        const peer = rates(samples.get('bare fastify'))
        const ratio = ratioOf(own, peer)
        rows.push({
          what: `HTTP ${operation}, ${connections} connections from another process`,
          goal: `at least ${goals[operation] * 100} % of bare fastify`,
          measured: perSecondText(spreadOf(own).median),
          peer: `bare fastify: ${perSecondText(spreadOf(peer).median)}`,
          ratio,
          met: ratio.median >= goals[operation],
        })
      }
    return { rows }
  },
}

async function callers(
  context: GoalContext,
  server: RunningSubject,
  space: string,
): Promise<RunningSubject> {
  const port = await server.request<number>('port')
  return await context.start('http-client', { port, space, entries: context.entries })
}
