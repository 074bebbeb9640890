import { ReturnFault } from '../application-fault.ts'
import { CacheFull, CacheState } from '../cache-state.ts'
import { refusePromise } from '../callback.ts'
import { takeData } from '../data.ts'
import type { IndexRange, Scalar, Value } from '../data-types.ts'
import type { Entry } from '../entry.ts'
import { contentBytes } from '../growth.ts'
import { CacheLayout } from '../layout.ts'
import type { AnyCache } from '../transaction.ts'
import { Digest } from '../version.ts'
import type { View } from '../view.ts'
import { type Column, openColumn, passes } from './column.ts'
import type { AnyProjection } from './projection.ts'
import { isOrdered } from './ranked-items.ts'
import { onlyRowKey, rowKey } from './row-key.ts'
import { type ItemFeed, openFeed } from './source.ts'

/** A row that has come (no `before`), changed or gone (no `after`). */
export interface RowChange {
  readonly key: string
  readonly before: Value | undefined
  readonly after: Value | undefined
}

/** A projection has outgrown its limit. */
export class ProjectionFull extends Error {
  constructor(what: string, limit: string) {
    super(
      `it has more than ${what}, and is out of use until the unit starts again: group by less, or raise ${limit}`,
    )
    this.name = 'ProjectionFull'
  }
}

/** What a row takes beside its contents; what an entry or a value takes that is kept for rows. */
const rowBytes = 64
const keptBytes = 96
/** So often is looked at the bytes while rows are built from all entries that there are. */
const checkedEach = 4096

interface Group {
  readonly key: string
  readonly by: readonly Scalar[]
  /** Items that are in it. */
  items: number
  /** What each column keeps of it. */
  readonly cells: unknown[]
  isChanged: boolean
}

const nothing: readonly RowChange[] = []

/**
 * The rows of one projection over one state: what `change` has been told of is in them after
 * `settle`. Always the rows that the entries that there are would make, in whatever order they
 * came. Rows are kept as the entries of a cache are, with indexes, but in no digest: each replica
 * makes its own.
 *
 * What an application's functions throw passes through; its rows are in no state to be used then.
 */
export class ProjectionRows implements Pick<View, 'scan'> {
  readonly layout: CacheLayout
  readonly rows: CacheState
  readonly #projection: AnyProjection
  readonly #feed: ItemFeed
  readonly #names: readonly string[]
  readonly #columns: readonly Column[]
  readonly #groups = new Map<string, Group>()
  #changedGroups: Group[] = []
  /** Of rows that are items themselves. */
  readonly #changedRows = new Map<string, Value | undefined>()
  #bytes = 0
  #isBuilt = false
  /** Items so far, while it is built. */
  #built = 0

  constructor(projection: AnyProjection) {
    const { name, source, indexes, aggregates } = projection
    this.#projection = projection
    this.layout = new CacheLayout(0, {
      name,
      key: '',
      indexes: Object.entries(indexes).map(([index, fields]) => ({ name: index, fields })),
      expiry: undefined,
    })
    this.rows = new CacheState(this.layout, new Digest(), true)
    this.#names = Object.keys(aggregates ?? {})
    this.#columns = Object.entries(aggregates ?? {}).map(([column, { plan }]) =>
      openColumn(column, plan),
    )
    this.#feed = openFeed(source, (id, before, after) => this.#item(id, before, after))
  }

  /** One of the entries that it is made of has come, changed or gone, as applications read it. */
  change(cache: AnyCache, key: string, before: Value | undefined, after: Value | undefined): void {
    this.#feed.change(cache, key, before, after)
  }

  get isChanged(): boolean {
    return this.#changedGroups.length > 0 || this.#changedRows.size > 0
  }

  /**
   * Makes the rows of what has changed; returns those that are others now.
   * @param position of the log, which the rows bear as theirs
   * @throws ProjectionFull
   */
  settle(position: number): readonly RowChange[] {
    if (this.#isBuilt && !this.isChanged) return nothing
    const changes: RowChange[] = []
    try {
      for (const group of this.#changedGroups) this.#settleGroup(group, position, changes)
      for (const [key, row] of this.#changedRows) this.#write(key, row, position, changes)
    } catch (error) {
      throw error instanceof CacheFull ? this.#rowsFull() : error
    }
    this.#changedGroups = []
    this.#changedRows.clear()
    if (!this.#isBuilt) for (const _ of this.rows.completeIndexes());
    this.#isBuilt = true
    this.#checkBytes()
    return changes
  }

  /** As of a view: there is one cache of them. */
  scan(_cache: number, index: number, range: IndexRange, visit: (row: Entry) => boolean): boolean {
    return this.rows.scan(index, range, visit)
  }

  /** Bytes of content, and of what is kept for it: an estimate. */
  get bytes(): number {
    let kept = this.#feed.size
    for (const column of this.#columns) kept += column.size
    return this.#bytes + kept * keptBytes
  }

  #rowsFull(): ProjectionFull {
    return new ProjectionFull(`${this.#projection.rowsMax} rows`, 'rowsMax')
  }

  #checkBytes(): void {
    const { bytesMax } = this.#projection
    if (this.bytes > bytesMax) throw new ProjectionFull(`${bytesMax} bytes`, 'bytesMax')
  }

  #item(id: string, before: Value | undefined, after: Value | undefined): void {
    if (!this.#isBuilt && ++this.#built % checkedEach === 0) this.#checkBytes()
    const from = this.#taken(before)
    const to = this.#taken(after)
    if (from === undefined && to === undefined) return
    if (this.#projection.aggregates === undefined) this.#changedRows.set(id, to)
    else this.#regroup(id, from, to)
  }

  /** An item as `where` and `select` make it; undefined: none. */
  #taken(item: Value | undefined): Value | undefined {
    if (item === undefined) return undefined
    const { where, select, aggregates } = this.#projection
    if (where !== undefined && !passes('where', where, item)) return undefined
    // What is grouped is looked at and let go.
    if (select === undefined && aggregates !== undefined) return item
    const selected: unknown = select === undefined ? item : select(item)
    if (typeof selected !== 'object' || selected === null || Array.isArray(selected))
      throw new ReturnFault('select', `makes an object of an item, not ${typeof selected}`)
    if (selected === item && Object.isFrozen(item)) return item
    refusePromise(selected)
    // What is frozen here is kept as it is: it must not be one that answers otherwise later.
    const isKept = aggregates === undefined || Object.isFrozen(selected)
    return isKept ? takeData(selected as Value) : (selected as Value)
  }

  #regroup(id: string, before: Value | undefined, after: Value | undefined): void {
    const from = this.#groupOf(before)
    const to = this.#groupOf(after)
    if (from !== undefined && from === to) {
      this.#change(from, id, before, after)
      return
    }
    if (from) {
      from.items--
      this.#change(from, id, before, undefined)
    }
    if (to) {
      to.items++
      this.#change(to, id, undefined, after)
    }
  }

  /** The group that an item is in: none, if it lacks one of the fields. */
  #groupOf(item: Value | undefined): Group | undefined {
    if (item === undefined) return undefined
    const { groupBy } = this.#projection
    if (groupBy.length === 0) return this.#groups.get(onlyRowKey) ?? this.#newGroup(onlyRowKey, [])
    const by: Scalar[] = []
    for (let at = 0; at < groupBy.length; at++) {
      const value = item[groupBy[at] as string]
      if (!isOrdered(value)) return undefined
      by.push(value)
    }
    return this.#group(by as [Scalar, ...Scalar[]])
  }

  #group(by: readonly [Scalar, ...Scalar[]]): Group {
    const key = rowKey(...by)
    const group = this.#groups.get(key) ?? this.#newGroup(key, by)
    for (let at = 0; at < by.length; at++)
      if (typeof by[at] !== typeof group.by[at])
        throw new ReturnFault(
          this.#projection.groupBy[at] as string,
          `is ${JSON.stringify(key)} as a ${typeof by[at]} and as a ${typeof group.by[at]}: they would be one group`,
        )
    return group
  }

  #newGroup(key: string, by: readonly Scalar[]): Group {
    if (!this.#isBuilt && this.#groups.size >= this.#projection.rowsMax) throw this.#rowsFull()
    const cells = this.#columns.map((column) => column.create())
    const group = { key, by, items: 0, cells, isChanged: true }
    this.#groups.set(key, group)
    this.#changedGroups.push(group)
    return group
  }

  #change(group: Group, id: string, before: Value | undefined, after: Value | undefined): void {
    const { cells, key } = group
    const columns = this.#columns
    for (let at = 0; at < columns.length; at++)
      cells[at] = (columns[at] as Column).change(cells[at], key, id, before, after)
    if (group.isChanged) return
    group.isChanged = true
    this.#changedGroups.push(group)
  }

  #settleGroup(group: Group, position: number, changes: RowChange[]): void {
    group.isChanged = false
    const { key, by, cells, items } = group
    const { groupBy } = this.#projection
    if (items === 0) {
      this.#groups.delete(key)
      this.#write(key, undefined, position, changes)
      return
    }
    const row: Record<string, unknown> = {}
    for (const [at, field] of groupBy.entries()) row[field] = by[at]
    for (const [at, column] of this.#columns.entries()) {
      const value = column.value(cells[at], key)
      if (value !== undefined) row[this.#names[at] as string] = value
    }
    this.#write(key, Object.freeze(row), position, changes)
  }

  #write(key: string, row: Value | undefined, position: number, changes: RowChange[]): void {
    const before = this.rows.find(key)?.value
    if (row === undefined ? before === undefined : before && isSame(before, row)) return
    if (row === undefined) this.rows.delete(key)
    else this.rows.put(key, row, position, position, this.#projection.rowsMax)
    this.#bytes += bytesOf(key, row) - bytesOf(key, before)
    changes.push({ key, before, after: row })
  }
}

const bytesOf = (key: string, row: Value | undefined): number =>
  row === undefined ? 0 : rowBytes + key.length + contentBytes(row)

/** Whether two rows say the same: of what is in them, that it is the same, or a list of it. */
function isSame(a: Value, b: Value): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => isAlike(a[name], b[name]))
}

const isAlike = (a: unknown, b: unknown): boolean =>
  a === b ||
  (Array.isArray(a) &&
    Array.isArray(b) &&
    a.length === b.length &&
    a.every((item, at) => item === b[at]))
