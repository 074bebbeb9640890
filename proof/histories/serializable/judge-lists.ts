import type { ListTransaction } from '../list-transaction.ts'
import { findCycles } from './cycles.ts'
import { dependencies } from './dependency-graph.ts'
import type { ListFinding } from './list-finding.ts'
import { orderLists } from './list-orders.ts'

export interface ListVerdict {
  /** `strictly serializable`: nothing was found that contradicts it. */
  readonly verdict: 'strictly serializable' | 'not strictly serializable'
  readonly transactions: number
  readonly keys: number
  readonly unknown: number
  readonly findings: readonly ListFinding[]
}

/**
 * Whether there may be one order of all transactions, over all lists, that explains what each was
 * told and agrees with real time. As Elle does it (Kingsbury and Alvaro, VLDB 2020): lists that are
 * only appended to tell their past, so what depends on what is known, and a cycle in it is what no
 * order explains. In time nearly linear in the length of the history.
 *
 * @throws Error when the history itself is not well formed
 */
export function judgeLists(history: readonly ListTransaction[]): ListVerdict {
  history.forEach(({ call, return: end, outcome }, at) => {
    if ((end === undefined) !== (outcome === 'unknown') || (end ?? call) < call)
      throw new Error(`transaction ${at} has the outcome ${outcome}, called ${call}, ended ${end}`)
  })
  const { lists, findings: direct } = orderLists(history)
  const findings = [...direct, ...findCycles(dependencies(history, lists))]
  return {
    verdict: findings.length === 0 ? 'strictly serializable' : 'not strictly serializable',
    transactions: history.length,
    keys: lists.length,
    unknown: history.filter(({ outcome }) => outcome === 'unknown').length,
    findings,
  }
}
