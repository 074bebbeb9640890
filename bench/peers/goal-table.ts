import type { GoalRow } from '../goals/goal.ts'
import { spreadText } from '../goals/spread.ts'

export const verdictOf = ({ met }: GoalRow): string =>
  met === undefined ? 'not measured' : met ? 'met' : 'NOT MET'

/** One row, below the goal that gave it. */
export function goalLine(row: GoalRow): string {
  const peer = row.peer === undefined ? '' : `; ${row.peer}`
  const ratio = row.ratio === undefined ? '' : `; ratio ${spreadText(row.ratio)}`
  const note = row.note === undefined ? '' : `; ${row.note}`
  return `  ${verdictOf(row).padEnd(12)} ${row.what}: ${row.measured}${peer}${ratio}${note}`
}

const columns = ['', 'what', 'goal', 'measured', 'peer in the same run', 'ratio (spread)'] as const

/** All rows, in columns as wide as they need to be. */
export function goalTable(rows: readonly GoalRow[]): string[] {
  const cells = [columns, ...rows.map(cellsOf)]
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => (line[i] ?? '').length)))
  const lines = cells.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const met = rows.filter((row) => row.met === true).length
  return [...lines, '', `${met} of ${rows.length} rows met`]
}

export const cellsOf = (row: GoalRow): string[] => [
  verdictOf(row),
  row.what,
  row.goal,
  row.note === undefined ? row.measured : `${row.measured} (${row.note})`,
  row.peer ?? '',
  row.ratio === undefined ? '' : spreadText(row.ratio),
]
