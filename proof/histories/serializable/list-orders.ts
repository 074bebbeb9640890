import type { ListTransaction } from '../list-transaction.ts'
import type { DirectAnomaly, ListFinding } from './list-finding.ts'

export interface Append {
  readonly transaction: number
  readonly value: number
  /** Its transaction appended nothing else to this list afterwards. */
  readonly isLast: boolean
}

/** What a transaction was told of a list, without what it had appended itself. */
export interface ExternalRead {
  readonly transaction: number
  readonly values: readonly number[]
}

/** All that is known of one list. */
export interface ListRecord {
  readonly key: string
  readonly appends: ReadonlyMap<number, Append>
  readonly reads: readonly ExternalRead[]
  /** The longest that anybody was told; undefined where what was told has no order. */
  readonly order: readonly number[] | undefined
  /** Elements that anybody was told. */
  readonly seen: ReadonlySet<number>
}

interface Gathered {
  readonly key: string
  readonly appends: Map<number, Append>
  readonly reads: ExternalRead[]
  /** Everything told, with what the reader had appended. */
  readonly told: ExternalRead[]
}

/**
 * The order of each list's versions, and what is wrong already without looking at any cycle. A list
 * that is only ever appended to tells its whole past with each read: that is what makes the order
 * known (Kingsbury and Alvaro, Elle, VLDB 2020, section 4).
 *
 * @throws Error when the history appends a value to a list twice: it would prove nothing
 */
export function orderLists(history: readonly ListTransaction[]): {
  readonly lists: readonly ListRecord[]
  readonly findings: readonly ListFinding[]
} {
  const lists = new Map<string, Gathered>()
  const findings: ListFinding[] = []
  const listOf = (key: string): Gathered => {
    const known = lists.get(key)
    if (known) return known
    const fresh = { key, appends: new Map(), reads: [], told: [] }
    lists.set(key, fresh)
    return fresh
  }
  history.forEach((transaction, at) => {
    gatherAppends(transaction, at, listOf)
    if (transaction.outcome === 'ok') findings.push(...gatherReads(transaction, at, listOf))
  })
  const records = [...lists.values()].map((list) => {
    const ofList = [...faultsOfReads(list, history), ...disorder(list)]
    const isOrdered = !ofList.some(({ anomaly }) => disordering.has(anomaly))
    const order = isOrdered ? longest(list.told).values : undefined
    const seen = new Set(list.told.flatMap(({ values }) => values))
    const record: ListRecord = { ...list, order, seen }
    findings.push(...ofList, ...lostAppends(record, history))
    return record
  })
  return { lists: records, findings }
}

const disordering: ReadonlySet<string> = new Set<DirectAnomaly>([
  'duplicate-element',
  'unwritten-element',
  'incompatible-order',
])

function gatherAppends(
  { steps }: ListTransaction,
  transaction: number,
  listOf: (key: string) => Gathered,
): void {
  steps.forEach((step, at) => {
    if (!('append' in step)) return
    const { key, append: value } = step
    const { appends } = listOf(key)
    if (appends.has(value)) throw new Error(`${value} is appended to ${key} twice`)
    const isLast = !steps.slice(at + 1).some((later) => 'append' in later && later.key === key)
    appends.set(value, { transaction, value, isLast })
  })
}

/** A read must tell what the one before it in its transaction did, and the appends since. */
function gatherReads(
  { steps }: ListTransaction,
  transaction: number,
  listOf: (key: string) => Gathered,
): ListFinding[] {
  const findings: ListFinding[] = []
  const own = new Map<string, number[]>()
  const before = new Map<string, readonly number[]>()
  for (const step of steps) {
    const { key } = step
    const appended = own.get(key) ?? []
    if ('append' in step) {
      own.set(key, [...appended, step.append])
      continue
    }
    const { read } = step
    if (read === null) throw new Error(`transaction ${transaction} was not told of ${key}`)
    const external = before.get(key) ?? read.slice(0, Math.max(0, read.length - appended.length))
    if (!isSame(read, [...external, ...appended]))
      findings.push({
        anomaly: 'internal',
        transactions: [transaction],
        because: [
          `T${transaction} read ${key} as [${read}], not as [${[...external, ...appended]}]`,
        ],
      })
    else if (!before.has(key)) {
      before.set(key, external)
      listOf(key).reads.push({ transaction, values: external })
    }
    listOf(key).told.push({ transaction, values: read })
  }
  return findings
}

function faultsOfReads(
  { key, appends, told, reads }: Gathered,
  history: readonly ListTransaction[],
): ListFinding[] {
  const findings: ListFinding[] = []
  const find = (anomaly: DirectAnomaly, because: string, ...transactions: number[]): void => {
    findings.push({ anomaly, transactions, because: [because] })
  }
  for (const { transaction, values } of told) {
    const met = new Set<number>()
    for (const value of values) {
      const what = `T${transaction} read ${value} in ${key}`
      const append = appends.get(value)
      if (met.has(value)) find('duplicate-element', `${what} twice`, transaction)
      met.add(value)
      if (!append) find('unwritten-element', `${what}, which nobody appended`, transaction)
      else if (history[append.transaction]?.outcome === 'fail')
        find(
          'aborted-read',
          `${what}, which T${append.transaction} appended, and that failed`,
          append.transaction,
          transaction,
        )
    }
  }
  for (const { transaction, values } of reads) {
    const append = appends.get(values.at(-1) ?? Number.NaN)
    if (append && !append.isLast && append.transaction !== transaction)
      find(
        'intermediate-read',
        `T${transaction} read ${key} up to ${append.value}, after which T${append.transaction} appended more`,
        append.transaction,
        transaction,
      )
  }
  return findings
}

function disorder({ key, told }: Gathered): ListFinding[] {
  const all = longest(told)
  return told
    .filter(({ values }) => !isSame(values, all.values.slice(0, values.length)))
    .map(({ transaction, values }) => ({
      anomaly: 'incompatible-order',
      transactions: [transaction, all.transaction],
      because: [
        `T${transaction} read ${key} as [${values}], T${all.transaction} as [${all.values}]`,
      ],
    }))
}

function lostAppends(
  { key, appends, reads, seen, order }: ListRecord,
  history: readonly ListTransaction[],
): ListFinding[] {
  const findings: ListFinding[] = []
  if (order === undefined) return findings
  for (const { transaction, value } of appends.values()) {
    const { return: end, outcome } = history[transaction] as ListTransaction
    if (outcome !== 'ok' || end === undefined || seen.has(value)) continue
    const later = reads.find(({ transaction: at }) => (history[at]?.call ?? 0) > end)
    if (later)
      findings.push({
        anomaly: 'lost-append',
        transactions: [transaction, later.transaction],
        because: [
          `T${transaction} appended ${value} to ${key} and ended before T${later.transaction} began, which does not have it`,
        ],
      })
  }
  return findings
}

function longest(told: readonly ExternalRead[]): ExternalRead {
  return told.reduce((one, other) => (other.values.length > one.values.length ? other : one), {
    transaction: -1,
    values: [],
  })
}

const isSame = (one: readonly number[], other: readonly number[]): boolean =>
  one.length === other.length && one.every((value, at) => value === other[at])
