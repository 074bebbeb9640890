import type { ListTransaction } from '../list-transaction.ts'
import type { ListRecord } from './list-orders.ts'

/**
 * `ww`: the next version of a list; `wr`: read what the other appended; `rw`: did not read what the
 * other appended; `rt`: ended before the other began.
 */
export type Dependency = 'ww' | 'wr' | 'rw' | 'rt'

/** In every order that explains the history, `from` comes before `to`. */
export interface Edge {
  readonly from: number
  readonly to: number
  readonly kind: Dependency
  readonly because: string
}

/** What depends on what, by the indices of transactions. */
export type DependencyGraph = readonly (readonly Edge[])[]

/**
 * The direct serialization graph of Adya, Liskov and O'Neil (2000) over what has taken effect, as
 * far as reads tell, and with it what ended before something began. A transaction of which nobody
 * knows the outcome has taken effect if somebody has read of it.
 */
export function dependencies(
  history: readonly ListTransaction[],
  lists: readonly ListRecord[],
): DependencyGraph {
  const graph: Edge[][] = history.map(() => [])
  const add = (from: number, to: number, kind: Dependency, because: string): void => {
    if (from !== to) graph[from]?.push({ from, to, kind, because })
  }
  const hasEffect = history.map(({ outcome }) => outcome === 'ok')
  for (const { appends, seen } of lists)
    for (const value of seen) {
      const writer = appends.get(value)?.transaction
      if (writer !== undefined) hasEffect[writer] = true
    }
  for (const list of lists) addList(list, hasEffect, add)
  addRealTime(history, hasEffect, add)
  return graph
}

type AddEdge = (from: number, to: number, kind: Dependency, because: string) => void

function addList(
  { key, appends, reads, order, seen }: ListRecord,
  hasEffect: readonly boolean[],
  add: AddEdge,
): void {
  if (order === undefined) return
  // What nobody has read comes after all that somebody has, in an order that nobody knows.
  const unseen = [...appends.values()].filter(
    ({ transaction, value }) => hasEffect[transaction] && !seen.has(value),
  )
  const versionsAt = (at: number) => (at < order.length ? [appendOf(order[at])] : unseen)
  const appendOf = (value: number | undefined) => {
    const append = appends.get(value ?? Number.NaN)
    if (!append) throw new Error(`${value} in the order of ${key} is nobody's`)
    return append
  }
  order.forEach((value, at) => {
    const { transaction: from } = appendOf(value)
    for (const { transaction: to, value: next } of versionsAt(at + 1))
      add(from, to, 'ww', `T${from} appended ${value} to ${key}, and T${to} ${next} after it`)
  })
  for (const { transaction, values } of reads) {
    const last = values.at(-1)
    if (last !== undefined) {
      const { transaction: from } = appendOf(last)
      add(from, transaction, 'wr', `T${transaction} read ${last} in ${key}, of T${from}`)
    }
    for (const { transaction: to, value: next } of versionsAt(values.length))
      add(transaction, to, 'rw', `T${transaction} read ${key} without ${next}, of T${to}`)
  }
}

/**
 * Only edges that do not follow from others: of what has ended, those are kept after which nothing
 * has begun and ended since. As many for each as there were clients, not as there were
 * transactions.
 */
function addRealTime(
  history: readonly ListTransaction[],
  hasEffect: readonly boolean[],
  add: AddEdge,
): void {
  const events: { readonly at: number; readonly end: boolean; readonly of: number }[] = []
  history.forEach(({ call, return: end }, of) => {
    if (!hasEffect[of]) return
    events.push({ at: call, end: false, of })
    if (end !== undefined) events.push({ at: end, end: true, of })
  })
  // What ends as another begins is not before it.
  events.sort((a, b) => a.at - b.at || Number(a.end) - Number(b.end))
  const latest = new Set<number>()
  const before = new Map<number, readonly number[]>()
  for (const { end, of } of events) {
    if (end) {
      for (const earlier of before.get(of) ?? []) latest.delete(earlier)
      before.delete(of)
      latest.add(of)
      continue
    }
    before.set(of, [...latest])
    for (const earlier of latest) add(earlier, of, 'rt', `T${earlier} had ended when T${of} began`)
  }
}
