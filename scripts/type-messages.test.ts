import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

const prelude = `
import { defineCache, defineCommand, defineProjection, defineQuery, defineSpace, Type } from 'spacegrid'
import { SpaceHarness } from 'spacegrid/testing'
const seats = defineCache('seats', {
  schema: Type.Object({ id: Type.String(), row: Type.Integer(), tags: Type.Array(Type.String()), note: Type.Optional(Type.String()) }),
  key: 'id',
  indexes: { byRow: ['row', 'id'] },
})
const bills = defineCache('bills', { schema: Type.Object({ no: Type.String(), sum: Type.Integer() }), key: 'no' })
const input = Type.Object({ id: Type.String() })
const result = Type.Object({ row: Type.Integer(), note: Type.String() })
const total = defineProjection('total', { of: bills })
const buy = defineCommand('buy', { input, caches: [bills], handler: () => undefined })
const find = defineQuery('find', { input, caches: [bills], handler: () => 1 })
const space = defineSpace('hall', { caches: [seats, bills], commands: [buy], queries: [find] })
const grid = new SpaceHarness(space)
const accounts = defineCache('accounts', { schema: Type.Object({ id: Type.String(), sum: Type.Integer() }), key: 'id', partitionBy: 'id' })
const take = defineCommand('take', { input, partitionBy: 'id', partOnly: true, handler: () => ({ left: '1' }) })
const move = defineCommand('move', { input: Type.Object({ from: Type.String(), to: Type.String() }), parts: ({ from, to }) => [{ command: take, input: { id: from } }, { command: take, input: { id: to } }] })
const clear = defineCommand('clear', { input, handler: () => undefined })
const sums = defineQuery('sums', { input, handler: () => 1 })
const divided = new SpaceHarness(defineSpace('bank', { partitions: 4, caches: [accounts], commands: [take, move] }))
export const used = [seats, bills, input, result, total, buy, find, space, grid, accounts, take, move, clear, sums, divided]
`

/** What somebody writes, and a part of what the compiler answers: the sentence in it. */
const mistakes: readonly (readonly [what: string, code: string, sentence: string])[] = [
  [
    'an async handler',
    `defineCommand('c', { input, handler: async () => 1 })`,
    'Mistake<"the handler must not be async: it runs in one go; wait for things before the call, or after it">',
  ],
  [
    'an async method with a result',
    `defineCommand('c', { input, result, async handler(tx) { return { row: tx.now, note: '' } } })`,
    'Mistake<"the handler must not be async: it runs in one go; wait for things before the call, or after it">',
  ],
  [
    'an async answer',
    `defineCommand('c', { input, handler: (tx) => tx.now, answer: async (now) => now })`,
    'Mistake<"the answer must not be async: it runs in one go; wait for things before the call, or after it">',
  ],
  [
    'an async query',
    `defineQuery('q', { input, handler: async (read) => read.now })`,
    'Mistake<"the handler must not be async: it runs in one go; wait for things before the call, or after it">',
  ],
  [
    'a handler that only throws',
    `defineCommand('c', { input, handler: () => { throw new Error('to be written') } })`,
    'Mistake<"the handler must return: it only throws; where that is meant, write down what it would return, as in (): void => …">',
  ],
  [
    'a result that does not fit',
    `defineCommand('c', { input, result, handler: (tx) => ({ row: '1', note: 5, now: tx.now }) })`,
    'MistakeIn<"note" | "row", "what the handler returns does not fit the result schema">',
  ],
  [
    'an answer that does not fit',
    `defineCommand('c', { input, result, handler: () => 1, answer: (row) => ({ row }) })`,
    'MistakeIn<"note", "what the answer returns does not fit the result schema">',
  ],
  [
    'a query that finds nothing where it says that it finds something',
    `defineQuery('q', { input, result, handler: () => undefined })`,
    'Mistake<"what the handler returns does not fit the result schema">',
  ],
  [
    'a key that is no text',
    `defineCache('c', { schema: Type.Object({ id: Type.String(), n: Type.Integer() }), key: 'n' })`,
    'Mistake<"the key must be a field that every entry has, and a text">',
  ],
  [
    'an expiry that is no number',
    `defineCache('c', { schema: Type.Object({ id: Type.String() }), key: 'id', expiry: 'id' })`,
    'Mistake<"the expiry must be a field that holds a number: ms since the epoch">',
  ],
  [
    'a cache that the space does not have',
    `defineSpace('s', { caches: [seats], commands: [buy] })`,
    'Mistake<"buy works with cache bills, which is not among the caches of the space">',
  ],
  [
    'a projection of a cache that the space does not have',
    `defineSpace('s', { caches: [seats], projections: [total] })`,
    'Mistake<"projection total works with cache bills, which is not among the caches of the space">',
  ],
  [
    'a projection grouped by what is no group',
    `defineProjection('p', { of: seats, groupBy: ['tags'], values: ({ count }) => ({ all: count() }) })`,
    'Mistake<"what is grouped by is a field that holds a text, a number or a boolean">',
  ],
  [
    'a projection that is grouped, and has no values',
    `defineProjection('p', { of: seats, groupBy: ['row'] })`,
    'Mistake<"what is grouped needs values: count(), at least">',
  ],
  [
    'an index of a projection over what its rows do not have',
    `defineProjection('p', { of: seats, groupBy: ['row'], values: ({ count }) => ({ all: count() }), indexes: { byId: ['id'] } })`,
    'Mistake<"an index is over fields of the row">',
  ],
  [
    'a query of a cache that the space does not have',
    `defineSpace('s', { caches: [seats], queries: [find] })`,
    'Mistake<"find works with cache bills, which is not among the caches of the space">',
  ],
  [
    'a cache that the handler does not declare',
    `defineCommand('c', { input, caches: [bills], handler: (tx) => { tx.get(seats, 'a') } })`,
    'Mistake<"this cache is not among the `caches` that the handler declares">',
  ],
  [
    'a value of another type than its field in an index',
    `defineQuery('q', { input, handler: (read) => read.range(seats, 'byRow', { equals: ['1'] }) })`,
    `Type 'string' is not assignable to type 'number'.`,
  ],
  [
    'a bound of another type than its field',
    `defineQuery('q', { input, handler: (read) => read.range(seats, 'byRow', { equals: [1], from: 5 }) })`,
    `Type 'number' is not assignable to type 'string'.`,
  ],
  [
    'a bound where no field is left',
    `defineQuery('q', { input, handler: (read) => read.range(seats, 'byRow', { equals: [1, 'a'], from: 'b' }) })`,
    'Mistake<"equals names all fields of the index: none is left for a bound">',
  ],
  [
    'an increment of a text',
    `defineCommand('c', { input, handler: (tx) => { tx.increment(seats, 'a', 'note', 1) } })`,
    `Argument of type '"note"' is not assignable to parameter of type '"row"'.`,
  ],
  [
    'an append to a number',
    `defineCommand('c', { input, handler: (tx) => { tx.append(seats, 'a', 'row', [1]) } })`,
    `Argument of type '"row"' is not assignable to parameter of type '"tags"'.`,
  ],
  [
    'an entry changed in place',
    `defineCommand('c', { input, handler: (tx) => { for (const one of tx.range(seats, 'byRow')) one.tags.push('x') } })`,
    `Property 'push' does not exist on type 'readonly string[]'.`,
  ],
  [
    'a partition field that is not always there',
    `defineCache('c', { schema: Type.Object({ id: Type.String(), at: Type.Optional(Type.String()) }), key: 'id', partitionBy: 'at' })`,
    'Mistake<"what decides on a partition is always there, and a text, a whole number or a boolean; an id is a text">',
  ],
  [
    'a partition field that the input does not have',
    `defineCommand('c', { input, partitionBy: 'no', handler: () => undefined })`,
    'Mistake<"what decides on a partition is always there, and a text, a whole number or a boolean; an id is a text">',
  ],
  [
    'an affinity to a list',
    `defineCommand('c', { input: Type.Object({ tags: Type.Array(Type.String()) }), affinity: 'tags', handler: () => undefined })`,
    'Mistake<"what decides on a partition is always there, and a text, a whole number or a boolean; an id is a text">',
  ],
  [
    'an id that is no text',
    `defineQuery('q', { input: Type.Object({ no: Type.Integer() }), partitionBy: { idOf: 'no' }, handler: () => 1 })`,
    'Mistake<"what decides on a partition is always there, and a text, a whole number or a boolean; an id is a text">',
  ],
  [
    'a cache that is nowhere in a divided space',
    `defineSpace('s', { partitions: 4, caches: [accounts, bills] })`,
    'Mistake<"the space is divided, and cache bills has no partitionBy">',
  ],
  [
    'a command that is nowhere in a space that may be divided',
    `defineSpace('s', { partitions: Number('4'), caches: [accounts], commands: [take, clear] })`,
    'Mistake<"the space is divided, and command clear has neither partitionBy nor parts">',
  ],
  [
    'a query that is nowhere in a divided space',
    `defineSpace('s', { partitions: 4, caches: [accounts], queries: [sums] })`,
    'Mistake<"the space is divided, and query sums has neither partitionBy nor everyPartition">',
  ],
  [
    'a handler beside parts',
    `defineCommand('c', { input, handler: () => 1, parts: ({ id }) => [{ command: take, input: { id } }] })`,
    'Mistake<"a command that consists of parts has no handler: they do its work">',
  ],
  [
    'a partition of a command that consists of parts',
    `defineCommand('c', { input, partitionBy: 'id', parts: ({ id }) => [{ command: take, input: { id } }] })`,
    'Mistake<"a command that consists of parts is in several partitions: each part says in which">',
  ],
  [
    'a part that consists of parts',
    `defineCommand('c', { input, parts: ({ id }) => [{ command: move, input: { from: id, to: id } }] })`,
    'Mistake<"move consists of parts itself: a part is a command with a handler">',
  ],
  [
    'an input that a part does not take',
    `defineCommand('c', { input, parts: ({ id }) => [{ command: take, input: { no: id } }] })`,
    'Mistake<"the input does not fit the part take">',
  ],
  [
    'a part that the space does not have',
    `defineSpace('s', { caches: [accounts], commands: [move] })`,
    'Mistake<"move consists of take among others, which is not among the commands of the space">',
  ],
  [
    'parts whose results do not fit',
    `defineCommand('c', { input, result: Type.Array(Type.Integer()), parts: ({ id }) => [{ command: take, input: { id } }] })`,
    'Mistake<"what the parts return does not fit the result schema">',
  ],
  [
    'a merged result that does not fit',
    `defineQuery('q', { input, result, handler: () => 1, everyPartition: { merge: (all) => ({ row: all.length }) } })`,
    'MistakeIn<"note", "what the merge returns does not fit the result schema">',
  ],
  [
    'a part that is called',
    `divided.execute('take', { id: 'a' })`,
    `Argument of type '"take"' is not assignable to parameter of type '"move"'.`,
  ],
  [
    'a command that the space does not have',
    `grid.execute('bye', { id: 'a' })`,
    `Argument of type '"bye"' is not assignable to parameter of type '"buy"'.`,
  ],
  [
    'an input that the command does not take',
    `grid.execute('buy', { id: 5 })`,
    `Type 'number' is not assignable to type 'string'.`,
  ],
]

/** Longest line that the compiler may answer with. */
const lineMax = 700

describe('what the compiler says, in a sentence,', () => {
  let folder: string
  /** By the number of its mistake. */
  const said = new Map<number, readonly string[]>()

  // One run of the compiler for all of them.
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'type-messages-'))
    const files = mistakes.map(async ([, code], i) => {
      await writeFile(join(folder, `${i}.ts`), `${prelude}${code}\n`)
    })
    await Promise.all(files)
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        typeRoots: [join(root, 'node_modules/@types')],
        paths: {
          spacegrid: [join(root, 'spacegrid/index.ts')],
          'spacegrid/testing': [join(root, 'spacegrid/testing/index.ts')],
        },
      },
      include: [join(folder, '*.ts')],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const args = [tsc, '-p', folder, '--pretty', 'false']
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder }).catch(
      (failed: { readonly stdout: string }) => failed,
    )
    let lines: string[] = []
    for (const line of stdout.split('\n')) {
      const file = /^(\d+)\.ts\(/.exec(line)?.[1]
      if (file !== undefined) {
        lines = [...(said.get(Number(file)) ?? [])]
        said.set(Number(file), lines)
      }
      if (line !== '') lines.push(line)
    }
  })
  afterAll(() => rm(folder, { recursive: true }))

  test.each(mistakes.map(([what, , sentence], i) => [what, sentence, i] as const))(
    'of %s',
    (_, sentence, i) => {
      const lines = said.get(i) ?? []
      expect(lines.join('\n')).toContain(sentence)
      expect(lines.filter((line) => line.includes('error TS'))).toHaveLength(1)
      for (const line of lines) expect(line.length).toBeLessThan(lineMax)
    },
  )
})
