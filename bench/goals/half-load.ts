import { perSecondText } from './figures.ts'
import type { Goal } from './goal.ts'
import { startUnits } from './peers.ts'
import { short, spreadOf } from './spread.ts'

const inFlight = 256

/** How far the slow commits are from the usual ones when a unit is offered half of what it could do. */
export const halfLoad: Goal = {
  name: 'half-load',
  async measure(context) {
    const [unit] = await startUnits(context, 1)
    const { rounds, sampleMs } = context.settings
    const ratios: number[] = []
    const rates: number[] = []
    const tails: { p50: number; p99: number }[] = []
    for (let round = 0; round < rounds; round++) {
      context.say(`half load, round ${round + 1} of ${rounds}`)
      const full = await unit.run('put', { ...context.run(inFlight), ms: sampleMs * 2 })
      const rate = full.perSecond / 2
      const half = await unit.run('put', { ...context.run(inFlight), rate, ms: sampleMs * 5 })
      ratios.push(half.p99 / half.p50)
      rates.push(rate)
      tails.push(half)
    }
    const ratio = spreadOf(ratios)
    const of = (read: (tail: { p50: number; p99: number }) => number) =>
      short(spreadOf(tails.map(read)).median)
    return {
      rows: [
        {
          what: `commits at half load (arrivals at random, ${perSecondText(spreadOf(rates).median)}), p99 by p50`,
          goal: 'at most 5',
          measured: `p99 ${of(({ p99 }) => p99)} ms, p50 ${of(({ p50 }) => p50)} ms`,
          ratio,
          met: ratio.median <= 5,
        },
      ],
    }
  },
}
