import type { Random } from '../random.ts'
import type { Journey } from './scenario.ts'

/**
 * Draws a journey for each user, in proportion to their weights: one number of the user's own.
 * @throws Error when there is none that anybody could take
 */
export function journeyDraw(
  journeys: Readonly<Record<string, Journey>>,
): (random: Random) => Journey {
  const all = Object.entries(journeys)
  const ends: number[] = []
  let sum = 0
  for (const [name, { weight = 1 }] of all) {
    if (!Number.isFinite(weight) || weight < 0)
      throw new Error(`Journey ${name} has the weight ${weight}: allowed are numbers from 0 on`)
    sum += weight
    ends.push(sum)
  }
  if (sum === 0) throw new Error('No journey has a weight: nobody would do anything')
  return (random) => {
    const drawn = random() * sum
    const at = ends.findIndex((end) => drawn < end)
    return (all[at] as (typeof all)[number])[1]
  }
}
