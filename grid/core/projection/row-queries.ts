import { type TObject, type TSchema, Type } from 'typebox'
import type { IndexRange, Scalar, Value } from '../data-types.ts'
import type { AnyQuery, Reader } from '../definition.ts'
import { GridError } from '../errors.ts'
import { compareScalars } from '../index-order.ts'
import { cursorOf, type PagedList } from '../page-cursor.ts'
import type { Page, PageOptions } from '../page-types.ts'
import { WrongPartition } from '../place.ts'
import { type ReadableFields, readableIndexes, readablePart } from '../readable-part.ts'
import { typesOf } from '../schema-check.ts'
import { keyOfGroup, mergeRows } from './merge-rows.ts'
import type { AnyProjection } from './projection.ts'

/** What a range of rows may have at most, and has if nobody asks for fewer. */
const rowsPerAnswerMax = 1000
const rowsPerAnswer = 100

/** What a partition gives: rows, and the version of the declaration that has made them. */
interface Part {
  readonly version: number
  readonly rows: readonly Value[]
  /** Of a range: the keys of its rows. A unit of an earlier version does not say them. */
  readonly keys?: readonly string[]
  /** There are more behind them. */
  readonly more?: boolean
}

/** A row, and its place among others that are equal in an index. */
interface PlacedRow {
  readonly row: Value
  readonly key: string
  readonly partition: number
}

interface RangeInput {
  readonly index?: string
  readonly equals?: readonly string[]
  readonly from?: string
  readonly after?: string
  readonly to?: string
  readonly before?: string
  readonly reverse?: boolean
  readonly limit?: number
  readonly cursor?: string
}

/** Rows cannot be given as they are asked for: told to whoever asks. */
export class UnusableRows extends GridError {}

const unusable = (path: string, message: string): UnusableRows =>
  new UnusableRows('invalid_input', `${path} ${message}`, {
    details: { errors: [{ path, message }] },
  })

/**
 * What callers from outside read of a projection that is `readable`: queries like others, so that
 * every door serves them with all that queries have. `{projection}.row` gives one row, by its key;
 * `{projection}.rows` a range of an index.
 */
export function rowQueries(
  projections: readonly AnyProjection[],
  partitions: number,
): readonly AnyQuery[] {
  const told = projections.filter(({ readable }) => readable !== undefined && readable !== false)
  if (partitions > 1) for (const projection of told) checkMerged(projection)
  return told.flatMap((projection) => [rowQuery(projection), rangeQuery(projection, partitions)])
}

/** @throws TypeError for rows of several partitions that nobody could put together */
function checkMerged({ name, aggregates = {}, partitionBy }: AnyProjection): void {
  if (partitionBy !== undefined) return
  for (const [value, { plan }] of Object.entries(aggregates))
    if (plan.kind === 'fold' && plan.merge === undefined)
      throw new TypeError(
        `projection ${name}: value ${value} is of several partitions: its fold needs merge, or the projection partitionBy`,
      )
}

function rowQuery(projection: AnyProjection): AnyQuery {
  const { name } = projection
  const input = Type.Object({
    key: Type.String({ description: 'What it is grouped by; see rowKey' }),
  })
  const missing = (key: string) => `There is no row ${JSON.stringify(key)} in ${name}`
  const partOf = (read: Reader, { key }: { readonly key: string }): Part => {
    const row = read.get(projection, key) as Value | undefined
    return { version: projection.version, rows: row ? [row] : [] }
  }
  return derived(projection, 'row', {
    description: `One row of ${name}, by its key`,
    input,
    result: readableSchema(projection),
    handler: (read: Reader, { key }: { readonly key: string }) => {
      const row = read.get(projection, key) as Value | undefined
      return row ? shownOf(projection, row) : read.notFound(missing(key))
    },
    each: partOf,
    merge: (parts, { key }: { readonly key: string }) => {
      const [row] = mergeRows(projection, rowsOf(projection, parts)) as readonly Value[]
      if (row) return shownOf(projection, row)
      throw new GridError('not_found', missing(key))
    },
  })
}

function rangeQuery(projection: AnyProjection, partitions: number): AnyQuery {
  const { name, indexes, groupBy, partitionBy, aggregates } = projection
  const isSpread = partitions > 1 && partitionBy === undefined && aggregates !== undefined
  // Where rows are put together of several partitions, only what they are grouped by is the same in
  // all of them.
  const usable = [...usableIndexes(projection).keys()].filter(
    (index) => !isSpread || indexes[index]?.every((field) => groupBy.includes(field)),
  )
  const text = Type.Optional(Type.String({ description: 'Of the field behind those of `equals`' }))
  const input = Type.Object({
    index: Type.Optional(Type.Enum(usable, { type: 'string', description: 'Default byKey' })),
    equals: Type.Optional(
      Type.Array(Type.String(), { description: 'Values of the first fields of the index' }),
    ),
    from: text,
    after: text,
    to: text,
    before: text,
    reverse: Type.Optional(Type.Boolean()),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: rowsPerAnswerMax,
        description: `Default ${rowsPerAnswer}`,
      }),
    ),
    cursor: Type.Optional(
      Type.String({ description: '`next` of the page before: of the same index and direction' }),
    ),
  })
  const partOf = (read: Reader, asked: RangeInput): Part => {
    const { items, keys = [], next } = readPage(read, projection, asked)
    return { version: projection.version, rows: items, keys, more: next !== undefined }
  }
  const merge = (parts: readonly Part[], asked: RangeInput) => {
    const { index = 'byKey', reverse = false, limit = rowsPerAnswer, cursor } = asked
    if (cursor !== undefined && parts.some(({ keys }) => keys === undefined))
      throw new UnusableRows('not_ready', `Units that know no pages of ${name} have answered`, {
        retryAfterMs: 1000,
      })
    const list: PagedList = { cache: name, index, fields: indexes[index] ?? [], reverse }
    const placed = placedRows(projection, parts)
    // Those of one partition are in order.
    const told = parts.length === 1 ? placed : inOrder(list, placed)
    const page = told.slice(0, limit)
    const rows = page.map(({ row }) => shownOf(projection, row))
    const last = page.at(-1)
    const isWhole = told.length <= limit && !parts.some(({ more }) => more)
    if (isWhole || !last) return { rows }
    return isTold(projection, list, last)
      ? { rows, next: cursorOf(list, { ...last, values: valuesOf(list, last.row) }) }
      : { rows, more: true }
  }
  return derived(projection, 'rows', {
    description: `Rows of ${name}, in the order of an index`,
    input,
    result: Type.Object({
      rows: Type.Array(readableSchema(projection)),
      next: Type.Optional(
        Type.String({ description: '`cursor` of the next page; missing on the last one' }),
      ),
      more: Type.Optional(
        Type.Literal(true, {
          description: 'There are more, and no cursor: it would say what callers may not read',
        }),
      ),
    }),
    handler: (read: Reader, asked: RangeInput) => merge([partOf(read, asked)], asked),
    each: partOf,
    merge,
  })
}

interface DerivedQuery<Input> {
  readonly description: string
  readonly input: TObject
  readonly result: TSchema
  readonly handler: (read: Reader, input: Input) => unknown
  readonly each: (read: Reader, input: Input) => Part
  readonly merge: (parts: readonly Part[], input: Input) => unknown
}

function derived<Input>(
  { name, caches, access }: AnyProjection,
  kind: 'row' | 'rows',
  { each, merge, ...query }: DerivedQuery<Input>,
): AnyQuery {
  return {
    ...query,
    name: `${name}.${kind}`,
    caches,
    rowsOf: { projection: name, kind },
    access,
    everyPartition: { each, merge: merge as (parts: readonly unknown[], input: Input) => unknown },
  }
}

/** @throws GridError `not_ready` when units of two versions of the declaration have answered */
function rowsOf({ name, version }: AnyProjection, parts: readonly Part[]): readonly Value[][] {
  if (parts.some((part) => part.version !== version))
    throw new UnusableRows('not_ready', `Units have several versions of projection ${name}`, {
      retryAfterMs: 1000,
    })
  return parts.map(({ rows }) => [...rows])
}

/** As one list: of groups that are spread over partitions one row each. */
function placedRows(projection: AnyProjection, parts: readonly Part[]): readonly PlacedRow[] {
  const rows = rowsOf(projection, parts)
  const { aggregates, groupBy } = projection
  if (aggregates === undefined)
    return rows.flatMap((own, partition) =>
      own.map((row, at) => ({ row, key: parts[partition]?.keys?.[at] ?? '', partition })),
    )
  // What a partition has of a group that was told is told, whichever it is.
  const partition = parts.length - 1
  return mergeRows(projection, rows).map((row) => ({
    ...{ row: row as Value, partition },
    key: keyOfGroup(groupBy.map((field) => (row as Value)[field]) as Scalar[]),
  }))
}

function inOrder(list: PagedList, rows: readonly PlacedRow[]): readonly PlacedRow[] {
  const sign = list.reverse ? -1 : 1
  return rows.toSorted((a, b) => {
    for (const field of list.fields) {
      const order = compareScalars(a.row[field], b.row[field])
      if (order !== 0) return sign * order
    }
    return sign * compareScalars(a.key, b.key)
  })
}

const valuesOf = ({ fields }: PagedList, row: Value): Scalar[] =>
  fields.map((field) => row[field] as Scalar)

/** Whether callers may read all that a cursor behind a row holds. */
function isTold(
  projection: AnyProjection,
  { fields }: PagedList,
  { row, key }: PlacedRow,
): boolean {
  const { aggregates, groupBy } = projection
  const shown = shownOf(projection, row)
  const isShown = (field: string) => Object.hasOwn(shown, field)
  if (!fields.every(isShown)) return false
  return aggregates ? groupBy.every(isShown) : Object.values(shown).includes(key)
}

/** None, where the range says that its rows are in another partition. */
function readPage(read: Reader, projection: AnyProjection, asked: RangeInput): Page<Value> {
  const { index = 'byKey', cursor } = asked
  const options = { ...rangeOf(projection, asked), cursor, withKeys: true }
  try {
    return read.page(projection, index, options as PageOptions) as Page<Value>
  } catch (error) {
    if (error instanceof WrongPartition) return { items: [], keys: [] }
    throw error
  }
}

/**
 * The indexes by which callers may look, each with the fields that they may bound. `byKey` is there
 * in any case, since a list without bounds needs an order: with the fields before the first that is
 * kept from them.
 */
function usableIndexes(projection: AnyProjection): ReadonlyMap<string, readonly string[]> {
  const shown = shownFields(projection)
  const { byKey = [] } = projection.indexes
  const firstKept = shown === 'all' ? -1 : byKey.findIndex((field) => !shown.includes(field))
  const bounded = firstKept < 0 ? byKey : byKey.slice(0, firstKept)
  return new Map([['byKey', bounded], ...readableIndexes(projection.indexes, shown)])
}

const bounds = ['from', 'after', 'to', 'before'] as const

/** A range as a reader takes it, of texts as a caller writes them. */
function rangeOf(projection: AnyProjection, asked: RangeInput): IndexRange {
  const { row } = projection
  const { index = 'byKey', equals = [], reverse, limit = rowsPerAnswer } = asked
  const fields = usableIndexes(projection).get(index) ?? []
  const bounded = bounds.filter((bound) => asked[bound] !== undefined)
  if (equals.length + Math.min(bounded.length, 1) > fields.length)
    throw unusable(
      bounded.length > 0 ? (bounded[0] as string) : 'equals',
      `is beyond the fields of index ${index} that callers may read: ${fields.join(', ') || 'none'}`,
    )
  const next = fields[equals.length]
  return {
    equals: equals.map((text, at) => scalarOf(row, fields[at] as string, text, 'equals')),
    ...Object.fromEntries(
      bounded.map((bound) => [bound, scalarOf(row, next as string, asked[bound] as string, bound)]),
    ),
    reverse,
    limit,
  }
}

/** What a text stands for in a field, by what the field can be; of an unknown one, as JSON does. */
function scalarOf({ properties }: TObject, field: string, text: string, path: string): Scalar {
  const schema = properties[field]
  const known: ReadonlySet<string> | undefined = schema && typesOf(schema)
  const types = known ?? new Set(['string', 'number', 'boolean'])
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  const isNumber = types.has('number') || types.has('integer')
  if (isNumber && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text)
  if (types.has('string')) return text
  throw unusable(path, `must be what ${field} can be: ${[...types].join(' or ')}`)
}

const shownFields = ({ readable }: AnyProjection): ReadableFields =>
  typeof readable === 'object' ? readable : 'all'

const shownOf = (projection: AnyProjection, row: Value): Value =>
  readablePart(row, shownFields(projection))

/** Of rows of which not all is known beforehand nothing is said. */
function readableSchema(projection: AnyProjection): TSchema {
  const { row, aggregates } = projection
  const isKnown = aggregates !== undefined || Object.keys(row.properties).length > 0
  if (!isKnown) return Type.Unknown()
  const shown = shownFields(projection)
  if (shown === 'all') return row
  return {
    type: 'object',
    required: row.required?.filter((field) => shown.includes(field)) ?? [],
    properties: Object.fromEntries(
      Object.entries(row.properties).filter(([field]) => shown.includes(field)),
    ),
  } as unknown as TSchema
}
