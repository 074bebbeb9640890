import { newSpaceName } from '../hot-path/bench-unit.ts'
import type { Goal, GoalRow } from './goal.ts'
import type { GoalContext } from './goal-context.ts'
import { positionOf, reach, startBulk, startPart, startPersistence } from './persistence.ts'
import { scan, startScanned } from './redis-scan.ts'
import { ratioOf, short, spreadOf } from './spread.ts'

/**
 * A unit that finds no other reads everything through the data reader, beside a client that reads
 * the same into a Map. Both have just been started.
 */
export const coldStart: Goal = {
  name: 'cold-start',
  async measure(context) {
    const entries = context.size(200_000, 1_000)
    const space = newSpaceName()
    const natsUrl = await context.servers.url('nats')
    const settings = { natsUrl, space, of: 1, entries, loads: ['load'] }
    context.say(`storing ${entries} entries`)
    const persistence = await startPersistence(context, space, { image: true })
    await startPart(persistence, 'writer')
    await startPart(persistence, 'pump')
    const unit = await context.start('processing-unit', { ...settings, number: 0 })
    const position = await positionOf(unit)
    await reach(persistence, 'writer', position)
    await persistence.request('imageReaches', position)
    await context.close(unit)
    await startScanned(context, entries)
    const coldly = async (source: 'reader' | 'store') => {
      // A reader that has just given a snapshot takes its time before it gives the next one.
      await persistence.request('stop', 'reader')
      await startPart(persistence, 'reader')
      const started = await context.start('processing-unit', { ...settings, number: 1, source })
      const readyMs = await started.request<number>('readyMs')
      await context.close(started)
      return readyMs
    }
    const samples = await context.interleave(`cold start, ${entries} entries`, [
      { name: 'ours, Redis', sample: () => coldly('reader') },
      { name: 'bare HSCAN', sample: () => scan(context, entries) },
      { name: 'ours, MongoDB', sample: () => coldly('store') },
      { name: 'bare find()', sample: () => find(context, `${space}.items`, entries) },
    ])
    const row = (store: string, peer: string): GoalRow => {
      const own = samples.get(`ours, ${store}`) ?? []
      const theirs = samples.get(peer) ?? []
      const ratio = ratioOf(theirs, own)
      const rate = (ms: readonly number[]) =>
        `${short((entries * 1000) / spreadOf(ms).median)} entries/s`
      return {
        what: `cold start from ${store}, ${entries.toLocaleString('en')} entries with two indexes`,
        goal: `at least 90 % of ${peer} into a Map`,
        measured: `${short(spreadOf(own).median / 1000)} s, ${rate(own)}`,
        peer: `${peer}: ${short(spreadOf(theirs).median / 1000)} s, ${rate(theirs)}`,
        ratio,
        met: ratio.median >= 0.9,
      }
    }
    return { rows: [row('Redis', 'bare HSCAN'), row('MongoDB', 'bare find()')] }
  },
}

async function find(context: GoalContext, collection: string, entries: number): Promise<number> {
  const bulk = await startBulk(context)
  const foundMs = await bulk.request<number>('read', collection, entries)
  await context.close(bulk)
  return foundMs
}
