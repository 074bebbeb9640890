import { setTimeout as pause } from 'node:timers/promises'
import type { GoalRow } from '../goals/goal.ts'
import { short, spreadOf } from '../goals/spread.ts'
import type { Probed } from '../subjects/divided-client.ts'
import { DividedUnits } from './divided-units.ts'
import type { PartitionGoal } from './partition-goal.ts'

const units = 4
const answeredMsMax = 3000

interface Killed {
  /** Until the last partition had answered a command that was sent after the kill. */
  readonly slowestMs: number
  readonly acknowledged: number
  readonly lost: number
  /** Done twice, or without anybody having been told. */
  readonly tooMany: number
}

/**
 * A unit of four is killed while a client has a command open in every partition; each is repeated
 * with its key until its outcome is known, so what is counted in the end must be what was
 * acknowledged.
 */
export const killedUnit: PartitionGoal = {
  name: 'killed-unit',
  async measure(context, { partitions, copies, entriesFew: entries }) {
    let round = 0
    const sample = async (): Promise<Killed> => {
      const all = await DividedUnits.start(context, units, { partitions, copies, entries })
      const client = await all.client()
      await client.request('startProbes')
      await pause(context.settings.sampleMs)
      const [victim] = all.units.splice(round++ % units, 1)
      const killedAt = performance.now()
      await victim?.kill()
      await client.request('killed', performance.now() - killedAt)
      const probed = await client.request<Probed[]>('probed')
      await all.close()
      await context.close(client)
      const sum = (read: (one: Probed) => number) =>
        probed.reduce((total, one) => total + read(one), 0)
      return {
        slowestMs: Math.max(...probed.map(({ answeredMs }) => answeredMs)),
        acknowledged: sum((one) => one.acknowledged),
        lost: sum(({ acknowledged, counted }) => Math.max(0, acknowledged - counted)),
        tooMany: sum(({ acknowledged, counted }) => Math.max(0, counted - acknowledged)),
      }
    }
    const samples = await context.interleave('a unit is killed', [{ name: 'killed', sample }])
    const found = samples.get('killed') ?? []
    const slowest = spreadOf(found.map(({ slowestMs }) => slowestMs))
    const sum = (read: (killed: Killed) => number) =>
      found.reduce((total, one) => total + read(one), 0)
    const [lost, tooMany] = [sum((it) => it.lost), sum((it) => it.tooMany)]
    const row: GoalRow = {
      what: `unit of ${units} killed (kill -9) under load, ${partitions} partitions, ${copies} copies`,
      goal: '0 acknowledged lost; every partition answers again within 3 s',
      measured: `all answer after ${short(slowest.median)} ms (${short(slowest.min)}..${short(slowest.max)})`,
      note: `${lost} lost and ${tooMany} too many of ${sum((it) => it.acknowledged).toLocaleString('en')} acknowledged`,
      met: lost === 0 && tooMany === 0 && slowest.max <= answeredMsMax,
    }
    return { rows: [row] }
  },
}
