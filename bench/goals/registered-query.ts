import { perSecondText, rates } from './figures.ts'
import type { Goal } from './goal.ts'
import { startUnits } from './peers.ts'
import { spreadOf } from './spread.ts'

const goalPerSecond = 1_000_000

/** A registered query with its input validated, in process, each awaited. */
export const registeredQuery: Goal = {
  name: 'registered-query',
  async measure(context) {
    const [unit] = await startUnits(context, 1)
    const samples = await context.interleave(
      'registered query',
      [1, 64].map((inFlight) => ({
        name: `${inFlight} in flight`,
        sample: () => unit.run('query', context.run(inFlight)),
      })),
    )
    return {
      rows: [...samples].map(([name, results]) => {
        const { median, min, max } = spreadOf(rates(results))
        return {
          what: `registered query with validation, ${name}`,
          goal: '1,000,000/s and more on one core',
          measured: perSecondText(median),
          note: `${perSecondText(min)} to ${perSecondText(max)}`,
          met: median >= goalPerSecond,
        }
      }),
    }
  },
}
