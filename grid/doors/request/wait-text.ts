import type { WaitEstimate } from './line-serving.ts'

const plural = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`

/** As exactly as it is worth saying: more of what is short. */
function amountOf(seconds: number): { readonly count: number; readonly unit: string } {
  if (seconds < 50) return { count: Math.max(5, Math.round(seconds / 5) * 5), unit: 'second' }
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return { count: Math.max(1, minutes), unit: 'minute' }
  return { count: Math.round(seconds / 3600), unit: 'hour' }
}

/** `about 4 minutes (3 to 5 minutes)`: the wait with its error, in words. */
export function waitText({ seconds, from, to, isSettled }: WaitEstimate): string {
  if (to < 5) return 'a moment'
  if (!isSettled) {
    const { count, unit } = amountOf(to)
    return `at most about ${plural(count, unit)}`
  }
  const [least, middle, most] = [from, seconds, to].map(amountOf) as [Amount, Amount, Amount]
  const about = `about ${plural(middle.count, middle.unit)}`
  if (least.unit === most.unit && least.count === most.count) return about
  const range =
    least.unit === most.unit
      ? `${least.count} to ${plural(most.count, most.unit)}`
      : `${plural(least.count, least.unit)} to ${plural(most.count, most.unit)}`
  return `${about} (${range})`
}

type Amount = ReturnType<typeof amountOf>
