import { newSpaceName } from '../hot-path/bench-unit.ts'
import type { Goal, GoalRow } from './goal.ts'
import type { GoalContext } from './goal-context.ts'
import { positionOf, reach, startBulk, startPart, startPersistence } from './persistence.ts'
import { ratioOf, short, spreadOf } from './spread.ts'

/**
 * How fast the writer empties a full change queue, beside bulkWrite of the same documents; and what
 * it writes when few keys are hot.
 */
export const dataWriter: Goal = {
  name: 'data-writer',
  async measure(context) {
    return { rows: [await drainRow(context), await coalescingRow(context)] }
  },
}

async function drainRow(context: GoalContext): Promise<GoalRow> {
  const entries = context.size(50_000, 500)
  const bulk = await startBulk(context)
  const samples = await context.interleave(`data writer, ${entries} entries`, [
    { name: 'writer', sample: () => drain(context, entries) },
    {
      name: 'bulkWrite',
      sample: () => bulk.request<number>('write', newSpaceName(), entries),
    },
  ])
  const own = samples.get('writer') ?? []
  const theirs = samples.get('bulkWrite') ?? []
  const ratio = ratioOf(theirs, own)
  const rate = (ms: readonly number[]) =>
    `${short((entries * 1000) / spreadOf(ms).median)} documents/s`
  return {
    what: `data writer, ${entries.toLocaleString('en')} new documents from a full change queue`,
    goal: 'at least 80 % of bare bulkWrite',
    measured: rate(own),
    peer: `bulkWrite replaceOne upsert, majority: ${rate(theirs)}`,
    ratio,
    met: ratio.median >= 0.8,
  }
}

/** @returns ms from the start of the writer until everything is in MongoDB */
async function drain(context: GoalContext, entries: number): Promise<number> {
  const space = newSpaceName()
  const natsUrl = await context.servers.url('nats')
  const persistence = await startPersistence(context, space, { image: false })
  await startPart(persistence, 'pump')
  const unit = await context.start('processing-unit', {
    natsUrl,
    space,
    number: 0,
    of: 1,
    entries,
    loads: ['load'],
  })
  const position = await positionOf(unit)
  await context.close(unit)
  await reach(persistence, 'pump', position)
  const from = performance.now()
  await startPart(persistence, 'writer')
  await reach(persistence, 'writer', position)
  const elapsedMs = performance.now() - from
  await context.close(persistence)
  return elapsedMs
}

async function coalescingRow(context: GoalContext): Promise<GoalRow> {
  context.say('data writer, hot keys')
  const hotKeys = 10
  const space = newSpaceName()
  const natsUrl = await context.servers.url('nats')
  const bulk = await startBulk(context)
  const persistence = await startPersistence(context, space, { image: false })
  await startPart(persistence, 'pump')
  await startPart(persistence, 'writer')
  const settings = { natsUrl, space, number: 0, of: 1, entries: hotKeys, loads: ['load'] }
  const unit = await context.start('processing-unit', settings)
  await reach(persistence, 'writer', await positionOf(unit))
  const publishedBefore = await persistence.request<number>('publishedChanges')
  const writtenBefore = await bulk.request<number>('written')
  const { sampleMs } = context.settings
  const { operations } = await unit.run('put', {
    ...context.run(256),
    warmupMs: 0,
    ms: sampleMs * 5,
  })
  await reach(persistence, 'writer', await positionOf(unit))
  const written = (await bulk.request<number>('written')) - writtenBefore
  const published = (await persistence.request<number>('publishedChanges')) - publishedBefore
  const coalesced = operations / published
  const factor = operations / written
  return {
    what: `data writer, ${hotKeys} hot keys, ${operations.toLocaleString('en')} commands`,
    goal: 'writes fall by the coalescing factor',
    measured: `one document written for ${short(factor)} commands`,
    note: `the pump's windows hold one change for ${short(coalesced)} commands; checkpoints are counted as written`,
    met: factor >= coalesced * 0.9,
  }
}
