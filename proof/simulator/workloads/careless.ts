import {
  defineCache,
  defineCommand,
  defineProjection,
  defineQuery,
  defineSpace,
  type Transaction,
  Type,
  type Value,
} from 'spacegrid'
import { command, query, type Workload } from './workload.ts'

const shelves = defineCache('shelves', {
  schema: Type.Object({
    id: Type.String(),
    count: Type.Integer({ maximum: 1_000_000 }),
    tags: Type.Array(Type.String()),
  }),
  key: 'id',
  indexes: { byCount: ['count', 'id'] },
})

const total = defineProjection('total', {
  of: shelves,
  values: ({ sum, top }) => ({
    count: sum('count'),
    fullest: top(3, { by: 'count', show: ['id', 'tags'] }),
  }),
})

/** Tries what is forbidden, and says nothing of it. */
function furtively(attempt: () => unknown): void {
  try {
    attempt()
  } catch {
    // Whoever writes such an application does not look at the error either.
  }
}

const initial = (id: string) => ({ id, count: 0, tags: [] })

const stock = defineCommand('stock', {
  input: Type.Object({ id: Type.String(), by: Type.Integer(), tag: Type.String() }),
  handler: (tx, { id, by, tag }) => {
    tx.increment(shelves, id, 'count', by, { initial: initial(id) })
    return { tags: tx.append(shelves, id, 'tags', [tag], { max: 6, otherwise: 'full' }) }
  },
})

/** Sorts the list that it was given, in place. */
const tidy = defineCommand('tidy', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    const shelf = tx.get(shelves, id) ?? tx.reject('unknown', { id })
    furtively(() => (shelf.tags as string[]).sort())
    furtively(() => Object.assign(shelf, { count: -1 }))
    const draft = { id, count: shelf.count + 1, tags: [...shelf.tags] }
    tx.put(shelves, draft)
    draft.tags.push('later')
    return { tags: shelf.tags }
  },
})

/** Changes what it has read, and refuses. */
const tidyNothing = defineCommand('tidyNothing', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    const shelf = tx.get(shelves, id) ?? tx.reject('unknown', { id })
    furtively(() => (shelf.tags as string[]).reverse())
    tx.reject('not_today', { id })
  },
})

type Wrong = (tx: Transaction, id: string) => unknown
const later = async () => {
  throw new Error('later')
}
class Money {
  cents = 5
}
/** No plain JavaScript is kept from it by types. */
const as = <T>(value: unknown) => value as T
const put = (value: object): Wrong => {
  return (tx, id) => tx.put(shelves, as({ ...initial(id), ...value }))
}
const takeFrom = (range: object): Wrong => {
  return (tx) =>
    tx.take(shelves, 'byCount', as<{ limit: number }>({ limit: 1, ...range }), {}, { atLeast: 0 })
}

/** What must never reach another replica, a value's kinds and an API's misuses. */
const wrongs: readonly Wrong[] = [
  () => later(),
  // biome-ignore lint/suspicious/noThenProperty: this is what a careless application does
  () => ({ then: () => undefined }),
  () => as<{ missing: { field: string } }>({}).missing.field,
  ...[Number.NaN, 1.5, 5n, null, '1', 2e6].map((count) => put({ count })),
  ...[undefined, 7, [undefined], ['\ud800'], new Set(['x']), [new String('x')]].map((tags) =>
    put({ tags }),
  ),
  put({ extra: 1 }),
  put({ id: '' }),
  (tx, id) => tx.append(shelves, id, 'tags', as(undefined), { initial: initial(id) }),
  (tx, id) => tx.append(shelves, id, 'tags', as([7]), { initial: initial(id) }),
  (tx, id) => tx.append(shelves, id, as<'tags'>('count'), ['x'], { initial: initial(id) }),
  (tx, id) => tx.increment(shelves, id, 'count', 0.5, { initial: initial(id) }),
  (tx, id) => tx.increment(shelves, id, as('tags'), 1, { initial: initial(id) }),
  (tx, id) => tx.increment(shelves, id, 'count', as('1'), { initial: initial(id) }),
  takeFrom({ equals: null }),
  takeFrom({ equals: [{}] }),
  takeFrom({ limit: -1 }),
  (tx) => tx.range(shelves, 'byCount', { from: Number.NaN }),
  (tx) => tx.emit('Odd', as<Value>({ at: new Map() })),
  (tx, id) => ({
    deep: { count: tx.increment(shelves, id, 'count', 1, { initial: initial(id) }) },
  }),
  () => ({ money: new Money() }),
  () => ({ counts: new Map([['a', 1]]) }),
  () => ({ text: '\ud83d' }),
  () => () => 'a function',
]

/** Does something right first: none of it may take effect. */
const blunder = defineCommand('blunder', {
  input: Type.Object({ id: Type.String(), which: Type.Integer() }),
  handler: (tx, { id, which }) => {
    tx.put(shelves, { id: `half ${id}`, count: 1, tags: [] })
    return (wrongs[which % wrongs.length] as Wrong)(tx, id)
  },
})

const view = defineQuery('view', {
  input: Type.Object({}),
  handler: (read) => {
    const rows = read.range(shelves, 'byCount')
    for (const { tags } of rows) furtively(() => (tags as string[]).sort())
    const row = read.get(total, 'all')
    furtively(() => Object.assign(row as object, { count: 0 }))
    const fullest = row?.fullest ?? []
    furtively(() => (fullest as unknown[]).pop())
    for (const { tags } of fullest) furtively(() => (tags as string[]).push('full'))
    return {
      total: row?.count ?? 0,
      fullest,
      rows: rows.map(({ id, count, tags }) => `${id}=${count} ${tags.join()}`),
    }
  },
})

/**
 * An application that does wrong whatever can be done wrong: it is told so, and nobody else
 * notices.
 */
export const careless: Workload = {
  name: 'careless',
  description: 'handlers that change what they read, are asynchronous, put what cannot be kept',
  space: defineSpace('careless', {
    caches: [shelves],
    commands: [stock, tidy, tidyNothing, blunder],
    queries: [view],
    projections: [total],
  }),
  setup: [command('stock', { id: 's0', by: 2, tag: 'z' })],
  next: (random) => {
    const id = `s${random.below(4)}`
    const luck = random.below(100)
    if (luck < 30) {
      const tag = ['z', 'y', 'a', 'b'][random.below(4)] as string
      return command('stock', { id, by: random.below(5), tag })
    }
    if (luck < 45) return command('tidy', { id })
    if (luck < 52) return command('tidyNothing', { id })
    if (luck < 85) return command('blunder', { id, which: random.below(wrongs.length) })
    return query('view')
  },
  mustFail: ({ name }) => name === 'blunder',
  invariants: (model) =>
    [...model.entries('shelves').keys()]
      .filter((id) => id.startsWith('half'))
      .map((id) => `${id} is there, of a command that has failed`),
}
