import { partitionsText } from '@spacegrid/grid/core/repartition'
import type { MovePlan } from './move-plan.ts'

/** How evenly entries lie: of the fullest partition, and of the emptiest. */
export interface Balance {
  readonly most: number
  readonly least: number
  /** The fullest beside the mean; 1 is perfect. */
  readonly skew: number
}

export function balanceOf(entries: readonly number[]): Balance {
  const most = Math.max(...entries)
  const least = Math.min(...entries)
  const mean = entries.reduce((sum, one) => sum + one, 0) / entries.length
  return { most, least, skew: mean === 0 ? 1 : Math.round((100 * most) / mean) / 100 }
}

/** As data. */
export function planData({ space, record, goesOn, entries, forgotten, unfinished }: MovePlan) {
  const { from, to, after, counts } = record
  const perPartition = counts.map((count) => count.entries)
  return {
    ...{ space, from, to, goesOn, entries, perPartition },
    ...{ balance: balanceOf(perPartition), forgottenKeys: forgotten, unfinished, after },
  }
}

const shownMax = 64

/** What will be done, and what somebody will notice. */
export function planText(plan: MovePlan): string {
  const { space, record, goesOn, entries, forgotten, unfinished } = plan
  const { from, to, after, counts } = record
  const perPartition = counts.map((count) => count.entries)
  const { most, least, skew } = balanceOf(perPartition)
  const shown = perPartition.slice(0, shownMax).join(' ')
  const lines = [
    `space      ${space}: ${partitionsText(from)}, ${entries} entries${goesOn ? '; a move that was interrupted goes on' : ''}`,
    `then       ${partitionsText(to)}, entries in each: ${shown}${perPartition.length > shownMax ? ' …' : ''}`,
    `balance    the fullest has ${most}, the emptiest ${least}; ${skew} times the mean at most`,
    `logs       new ones, from position ${after + 1} on`,
  ]
  if (forgotten > 0)
    lines.push(
      `keys       ${forgotten} answers under idempotency keys that other commands use too: the keys stay used`,
    )
  if (unfinished > 0)
    lines.push(`unfinished ${unfinished} pieces of commands that never came to their end go`)
  lines.push(
    'lost       nothing; callers of a space that gets, or had, one partition begin with new position tokens',
  )
  return `${lines.join('\n')}\n`
}
