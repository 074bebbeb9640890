import type { DividedPlan, DividedStep } from './divided/plan.ts'
import { type AnyPlan, isDivided, isReacting } from './plan/any-plan.ts'
import type { Plan, Step } from './plan/plan.ts'
import type { ReactingPlan } from './reacting/plan.ts'

/** Lines of a trace that are shown, at its beginning and at its end. */
const traceLinesMax = 50

/** What happened how often, in columns. */
export function coverageText(counts: ReadonlyMap<string, number>, width = 100): string {
  const rows = [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
  const nameWidth = Math.max(...rows.map(([name]) => name.length))
  const countWidth = Math.max(...rows.map(([, count]) => grouped(count).length))
  const cells = rows.map(
    ([name, count]) => `${name.padEnd(nameWidth)} ${grouped(count).padStart(countWidth)}`,
  )
  const columns = Math.max(1, Math.floor(width / (nameWidth + countWidth + 4)))
  const height = Math.ceil(cells.length / columns)
  return Array.from({ length: height }, (_, row) =>
    Array.from({ length: columns }, (_, column) => cells[column * height + row] ?? '')
      .join('   ')
      .trimEnd(),
  ).join('\n')
}

/** The plan as a list to be read. */
export const planText = (plan: AnyPlan): string =>
  isDivided(plan) || isReacting(plan) ? dividedText(plan) : undividedText(plan)

function dividedText({ settings, steps, workload }: DividedPlan | ReactingPlan): string {
  const { units, partitions, copies } = settings
  return [
    `  workload ${workload}: ${units} units, ${partitions} partitions, ${copies} copies of each`,
    ...steps.map((step) => `  ${`${step.atMs}`.padStart(6)} ms  ${dividedStepText(step)}`),
  ].join('\n')
}

function dividedStepText(step: DividedStep): string {
  if (step.kind === 'fault') return faultText(step.fault)
  const key = step.withKey ? 'with a key' : 'without a key'
  return `client ${step.client} asks unit ${step.units[0]}, ${step.isQuery ? 'a query' : key}`
}

function undividedText(plan: Plan): string {
  const { settings, steps, logReplaced, readersGone, tailLost, storeLags, workload } = plan
  const { units, pumps, writers, readers, withImage } = settings
  return [
    `  workload ${workload}: ${units} units, ${pumps} pumps, ${writers} writers, ${readers} readers, ${withImage ? 'a warm image' : 'no warm image'}`,
    ...steps.map((step) => `  ${`${step.atMs}`.padStart(6)} ms  ${stepText(step)}`),
    ...(logReplaced ? ['  at the end the log is deleted and created again'] : []),
    ...(tailLost > 0 ? [`  at the end the log loses its last ${tailLost} records`] : []),
    ...(storeLags ? ['  and the store had not come as far'] : []),
    ...(readersGone ? ['  and the readers die just then'] : []),
  ].join('\n')
}

function stepText(step: Step): string {
  if (step.kind === 'fault') return faultText(step.fault)
  const key = step.withKey ? 'with a key' : 'without a key'
  return `client ${step.client} asks unit ${step.units[0]}, ${key}, ${step.acknowledge}, ${step.read}`
}

function faultText({ what, ...details }: { readonly what: string }): string {
  const told = Object.entries(details).map(([name, value]) => `${name} ${value}`)
  return `fault: ${what}${told.length > 0 ? ` (${told.join(', ')})` : ''}`
}

/** A trace up to its violation; of a long one the beginning and the end. */
export function traceText(trace: readonly string[]): string {
  const at = trace.findIndex((line) => line.includes(' !! '))
  const lines = at < 0 ? trace : trace.slice(0, at + 1)
  const left = lines.length - 2 * traceLinesMax
  if (left <= 0) return lines.join('\n')
  const [head, tail] = [lines.slice(0, traceLinesMax), lines.slice(-traceLinesMax)]
  return [...head, `  … ${left} lines …`, ...tail].join('\n')
}

export const grouped = (count: number): string => count.toLocaleString('en-US')
