import { newSpaceName } from '../hot-path/bench-unit.ts'
import { perSecondText } from './figures.ts'
import type { Goal } from './goal.ts'
import { positionOf, reach, startPart, startPersistence } from './persistence.ts'
import { short, spreadOf } from './spread.ts'

const inFlight = 1024

/**
 * Whether the pump has published everything when a unit at full load stops: how long it still
 * needs, by how long the load lasted.
 */
export const dataPump: Goal = {
  name: 'data-pump',
  async measure(context) {
    const { rounds, sampleMs, small } = context.settings
    const natsUrl = await context.servers.url('nats')
    const space = newSpaceName()
    const persistence = await startPersistence(context, space, { image: false })
    await startPart(persistence, 'pump')
    const settings = { natsUrl, space, number: 0, of: 1, entries: context.entries }
    const unit = await context.start('processing-unit', settings)
    const shares: number[] = []
    const lates: number[] = []
    const rates: number[] = []
    for (let round = 0; round < rounds; round++) {
      context.say(`data pump, round ${round + 1} of ${rounds}`)
      await reach(persistence, 'pump', await positionOf(unit))
      const ms = small ? sampleMs : Math.max(2000, sampleMs * 5)
      const { perSecond, elapsedMs } = await unit.run('put', {
        ...context.run(inFlight),
        warmupMs: 0,
        ms,
      })
      const lateMs = await reach(persistence, 'pump', await positionOf(unit))
      shares.push(elapsedMs / (elapsedMs + lateMs))
      lates.push(lateMs)
      rates.push(perSecond)
    }
    const share = spreadOf(shares)
    return {
      rows: [
        {
          what: `data pump beside one full unit, ${inFlight} in flight, ${perSecondText(spreadOf(rates).median)}`,
          goal: 'keeps up with the commit rate of one full unit',
          measured: `${short(spreadOf(lates).median)} ms behind when the load ends`,
          ratio: share,
          note: 'ratio: time of the load by time until all of it was published',
          met: share.median >= 0.95,
        },
      ],
    }
  },
}
