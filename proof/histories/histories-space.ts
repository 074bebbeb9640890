import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  type Static,
  type Transaction,
  Type,
} from 'spacegrid'

/*
 * Data on which every order shows: registers that tell what they hold, and lists that tell their
 * whole past, one at a time or several in one command.
 */

const name = Type.String({ minLength: 1, maxLength: 64 })

const registers = defineCache('registers', {
  schema: Type.Object({ key: name, value: Type.String() }),
  key: 'key',
  partitionBy: 'key',
})

const lists = defineCache('lists', {
  schema: Type.Object({ key: name, values: Type.Array(Type.Integer(), { maxItems: 1000 }) }),
  key: 'key',
  partitionBy: 'key',
})

const writeRegister = defineCommand('writeRegister', {
  input: Type.Object({ key: name, to: Type.String() }),
  partitionBy: 'key',
  handler: (tx, { key, to }) => {
    tx.put(registers, { key, value: to })
    return {}
  },
})

/** Refuses where something else is there, and says what. */
const compareAndSet = defineCommand('compareAndSet', {
  input: Type.Object({
    key: name,
    from: Type.Union([Type.String(), Type.Null()]),
    to: Type.String(),
  }),
  partitionBy: 'key',
  handler: (tx, { key, from, to }) => {
    const found = tx.get(registers, key)?.value ?? null
    if (found !== from) tx.reject('differs', { found })
    tx.put(registers, { key, value: to })
    return {}
  },
})

const readRegister = defineCommand('readRegister', {
  input: Type.Object({ key: name }),
  partitionBy: 'key',
  handler: (tx, { key }) => ({ found: tx.get(registers, key)?.value ?? null }),
})

const register = defineQuery('register', {
  input: Type.Object({ key: name }),
  partitionBy: 'key',
  handler: (read, { key }) => ({ found: read.get(registers, key)?.value ?? null }),
})

/** What is done with one list, step by step. */
const listChange = Type.Object({
  key: name,
  steps: Type.Array(
    Type.Object({
      /** Left out: the whole list is read. */
      append: Type.Optional(Type.Integer()),
      /** The whole list is read and written, instead of the operation that appends. */
      byWriting: Type.Optional(Type.Boolean()),
    }),
    { minItems: 1, maxItems: 8 },
  ),
})

type ListChange = Static<typeof listChange>

/** For each step what it has read; null where it appended. */
function change(tx: Transaction<'lists'>, { key, steps }: ListChange): (number[] | null)[] {
  return steps.map(({ append, byWriting }) => {
    if (append === undefined) return [...valuesOf(tx, key)]
    if (byWriting) tx.put(lists, { key, values: [...valuesOf(tx, key), append] })
    else tx.append(lists, key, 'values', [append], { initial: { key, values: [] } })
    return null
  })
}

const valuesOf = (tx: Transaction<'lists'>, key: string): readonly number[] =>
  tx.get(lists, key)?.values ?? []

const changeList = defineCommand('changeList', {
  input: listChange,
  partitionBy: 'key',
  handler: (tx, input) => ({ told: change(tx, input) }),
})

/** All or nothing, over lists wherever they are. */
const changeLists = defineCommand('changeLists', {
  input: Type.Object({ lists: Type.Array(listChange, { minItems: 1, maxItems: 8 }) }),
  parts: ({ lists }) => lists.map((input) => ({ command: changeList, input })),
  answer: (all) => ({ told: all.map(({ told }) => told) }),
})

const list = defineQuery('list', {
  input: Type.Object({ key: name }),
  partitionBy: 'key',
  handler: (read, { key }) => ({ values: read.get(lists, key)?.values ?? [] }),
})

export const createHistories = (partitions: number) =>
  defineSpace('histories', {
    description: 'Registers and lists on which every order shows.',
    caches: [registers, lists],
    commands: [writeRegister, compareAndSet, readRegister, changeList, changeLists],
    queries: [register, list],
    partitions,
  })
