import { InvalidArgumentError } from 'commander'
import { list } from 'spacegrid/command-line/option-values'
import { goalLine, goalTable } from '../peers/goal-table.ts'
import type { StatusLine } from '../peers/status-line.ts'
import type { GoalResult, NamedRow } from './goal.ts'
import type { GoalContext } from './goal-context.ts'
import { isPeerName, type PeerName, peerNames } from './peers.ts'

interface Named {
  readonly name: string
}

/** What a run of goals has given. */
export interface MeasuredGoals<Figure> {
  readonly rows: readonly NamedRow[]
  readonly figures: readonly Figure[]
  /** That each of them took, by its name. */
  readonly seconds: Readonly<Record<string, number>>
}

export interface MeasureOptions<Goal, Figure> {
  readonly screen: StatusLine
  /** Sizes that mean nothing: they can meet nothing. */
  readonly isSmall: boolean
  contextOf(goal: Goal, say: (text: string) => void): GoalContext
  measure(goal: Goal, context: GoalContext): Promise<GoalResult<Figure>>
}

/**
 * Measures one after the other, each in a context of its own, and shows how far it is. One that
 * fails is told, has the process end with code 1, and does not cost the figures of the others.
 */
export async function measureGoals<Goal extends Named, Figure>(
  goals: readonly Goal[],
  { screen, isSmall, contextOf, measure }: MeasureOptions<Goal, Figure>,
): Promise<MeasuredGoals<Figure>> {
  const rows: NamedRow[] = []
  const figures: Figure[] = []
  const seconds: Record<string, number> = {}
  for (const [i, goal] of goals.entries()) {
    const { name } = goal
    const from = performance.now()
    const place = `[${i + 1}/${goals.length}] ${name}`
    const context = contextOf(goal, (text) => screen.show(`${place}: ${text}`))
    try {
      const result = await measured(name, () => measure(goal, context))
      const met = isSmall ? { met: undefined } : {}
      const shown = result.rows.map((row) => ({ name, ...row, ...met }))
      rows.push(...shown)
      figures.push(...(result.figures ?? []))
      seconds[name] = Math.round((performance.now() - from) / 1000)
      screen.print(`${place} (${seconds[name]} s)`)
      for (const row of shown) screen.print(goalLine(row))
    } finally {
      await context.closeAll()
    }
  }
  return { rows, figures, seconds }
}

async function measured<Figure>(
  name: string,
  measure: () => Promise<GoalResult<Figure>>,
): Promise<GoalResult<Figure>> {
  try {
    return await measure()
  } catch (error) {
    const { message, stack } = error as Error
    process.stderr.write(`\n${name} has failed: ${stack ?? message}\n`)
    process.exitCode = 1
    const note = `failed: ${message.split('\n')[0]}`
    return { rows: [{ what: name, goal: '', measured: '–', met: undefined, note }] }
  }
}

/** The table of all rows, and whom it does without. */
export function tellGoals(
  screen: StatusLine,
  rows: readonly NamedRow[],
  leftOut: ReadonlyMap<string, string>,
): void {
  screen.print('')
  for (const line of goalTable(rows)) screen.print(line)
  for (const [peer, reason] of leftOut) screen.print(`LEFT OUT: ${peer}: ${reason}`)
}

/** Reads the value of `--only`: names of goals, with commas between them. */
export const goalsNamed = <Goal extends Named>(all: readonly Goal[]) =>
  list((text): Goal => {
    const goal = all.find(({ name }) => name === text)
    if (goal) return goal
    throw new InvalidArgumentError(`It must be of ${all.map(({ name }) => name).join(', ')}.`)
  })

export function peerNamed(text: string): PeerName {
  if (isPeerName(text)) return text
  throw new InvalidArgumentError(`It must be of ${peerNames.join('; ')}.`)
}
