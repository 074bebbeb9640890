/** A transfer as the client knows it who asked for it. */
export interface Transfer {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly amount: number
  /**
   * `unknown`: nobody has answered for good; or it was refused when it was asked for again, and an
   * attempt before that may still have been done.
   */
  readonly fate: 'done' | 'refused' | 'unknown'
}

/** What is stored in one place, whole. */
export interface StoredAccounts {
  readonly balances: ReadonlyMap<string, number>
  /** By account, `/`, transfer. */
  readonly movements: ReadonlyMap<string, { readonly amount: number; readonly times: number }>
}

export interface TransferFindings {
  /** Acknowledged, and not there, on one side or on both. */
  readonly lost: string[]
  /** There more than once, or without anybody having been told. */
  readonly doubled: string[]
  /** There on one side only, or contradicting itself. */
  readonly wrong: string[]
}

export const noFindings: TransferFindings = { lost: [], doubled: [], wrong: [] }

/**
 * Compares what clients were told with what is stored: each acknowledged transfer on both sides,
 * once; each other one not at all, or if nobody knows, whole; and every balance is what was there
 * at first and what its movements come to, so that the sum is what it was.
 *
 * @param opened balances at first
 */
export function judgeTransfers(
  transfers: readonly Transfer[],
  opened: ReadonlyMap<string, number>,
  { balances, movements }: StoredAccounts,
): TransferFindings {
  const findings: TransferFindings = { lost: [], doubled: [], wrong: [] }
  const { lost, doubled, wrong } = findings
  const expected = new Map(opened)
  const left = new Map(movements)
  for (const { id, from, to, amount, fate } of transfers) {
    const sides = [
      [from, -amount],
      [to, amount],
    ] as const
    const found = sides.filter(([account]) => left.has(`${account}/${id}`))
    if (fate === 'done' && found.length < 2)
      lost.push(`${id} of ${from} to ${to} was done, and is there on ${found.length} sides`)
    if (fate === 'unknown' && found.length === 1)
      wrong.push(`${id} of ${from} to ${to} is there on one side, at ${found[0]?.[0]}`)
    if (fate === 'refused' && found.length > 0)
      doubled.push(`${id} was refused, and is there on ${found.length} sides`)
    for (const [account, by] of found) {
      const key = `${account}/${id}`
      const { amount: moved, times } = left.get(key) ?? { amount: 0, times: 0 }
      if (moved !== by) wrong.push(`${key} has moved ${moved} instead of ${by}`)
      if (times !== 1) doubled.push(`${key} was done ${times} times`)
      expected.set(account, (expected.get(account) ?? 0) + by)
      left.delete(key)
    }
  }
  for (const key of left.keys()) doubled.push(`${key} is there, and nobody has asked for it`)
  for (const [account, balance] of expected)
    if (balances.get(account) !== balance)
      wrong.push(`${account} has ${balances.get(account)}, its movements come to ${balance}`)
  for (const account of balances.keys())
    if (!opened.has(account)) wrong.push(`${account} was never opened`)
  const [before, after] = [sumOf(opened), sumOf(balances)]
  if (before !== after) wrong.push(`the sum was ${before} and is ${after}`)
  return findings
}

export const sumOf = (balances: ReadonlyMap<string, number>): number =>
  [...balances.values()].reduce((sum, balance) => sum + balance, 0)
