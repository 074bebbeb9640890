import type { SaleVisit, ToldEstimate } from './sale-visitor.ts'

export interface SaleJudgement {
  readonly visitors: number
  readonly bought: number
  /** Visitors who have the place of somebody else. */
  readonly doubled: number
  /** Neighbours of whom the later place was let in before the earlier one. */
  readonly overtaken: number
  /** Visitors who came when somebody had been told a place already, and have an earlier one. */
  readonly beforeThose: number
  readonly estimates: EstimatesJudged
  /** The same of those that were told once the line had found its pace. */
  readonly settled: EstimatesJudged
}

export interface EstimatesJudged {
  readonly count: number
  /** Parts of one. */
  readonly within20: number
  readonly inInterval: number
}

/** Waits that are shorter than a few looks say nothing of the estimate. */
const waitMsMin = 10_000

export function judgeSale(visits: readonly SaleVisit[], visitMs: number): SaleJudgement {
  const byNumber = visits.toSorted((one, other) => one.number - other.number)
  let overtaken = 0
  let doubled = 0
  for (const [at, visit] of byNumber.entries()) {
    const before = byNumber[at - 1]
    if (before && before.until > visit.until) overtaken++
    if (before?.number === visit.number) doubled++
  }
  return {
    visitors: visits.length,
    bought: visits.filter(({ orderId }) => orderId !== undefined).length,
    ...{ doubled, overtaken, beforeThose: beforeThoseOf(visits) },
    estimates: judged(visits, visitMs, () => true),
    settled: judged(visits, visitMs, ({ isSettled }) => isSettled),
  }
}

/** Those whose place is before one that had been told when they came. */
function beforeThoseOf(visits: readonly SaleVisit[]): number {
  const told = visits.toSorted((one, other) => one.toldAt - other.toldAt)
  const came = visits.toSorted((one, other) => one.cameAt - other.cameAt)
  let at = 0
  let highest = 0
  let wrong = 0
  for (const visit of came) {
    for (; (told[at]?.toldAt ?? Number.POSITIVE_INFINITY) < visit.cameAt; at++)
      highest = Math.max(highest, told[at]?.number ?? 0)
    if (visit.number < highest) wrong++
  }
  return wrong
}

/**
 * When the turn came is known from when it ends, by the clock; when something was told, by the
 * clock as well.
 */
function judged(
  visits: readonly SaleVisit[],
  visitMs: number,
  counts: (told: ToldEstimate) => boolean,
): EstimatesJudged {
  const offset = Date.now() - performance.now()
  const all = visits.flatMap(({ estimates, until }) =>
    estimates.filter(counts).flatMap((told) => {
      const waited = until - visitMs - (told.at + offset)
      return waited >= waitMsMin ? [{ ...told, waited: waited / 1000 }] : []
    }),
  )
  const share = (isGood: (one: (typeof all)[number]) => boolean) =>
    all.length === 0 ? 1 : all.filter(isGood).length / all.length
  return {
    count: all.length,
    within20: share(({ seconds, waited }) => Math.abs(seconds - waited) <= 0.2 * waited),
    inInterval: share(({ from, to, waited }) => from <= waited && waited <= to),
  }
}
