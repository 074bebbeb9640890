/** One promise, checked against what the grid says after the run. */
export interface AuditCheck {
  readonly promise: string
  readonly passed: boolean
  /** What was compared when it holds; the first few offenders when it does not. */
  readonly detail: string
}

/** Offenders named in the report; the rest are counted. */
const offendersShown = 5

/**
 * Makes a check of its offenders: it has passed when there are none.
 * @param compared what was looked at, for people: `1,203 orders`
 */
export function check(promise: string, offenders: readonly string[], compared: string): AuditCheck {
  if (offenders.length === 0) return { promise, passed: true, detail: compared }
  const more = offenders.length - offendersShown
  const shown = offenders.slice(0, offendersShown).join('; ')
  return { promise, passed: false, detail: more > 0 ? `${shown}; and ${more} more` : shown }
}
