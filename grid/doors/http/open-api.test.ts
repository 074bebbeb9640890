import { expect, test } from 'vitest'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from '../../core/define.ts'
import { commandSchema } from './command-schema.ts'
import { entrySchema } from './entry-schema.ts'
import { querySchema } from './query-schema.ts'

const input = Type.Object({ id: Type.String() })
const items = defineCache('items', { schema: input, key: 'id', partitionBy: 'id' })
const add = defineCommand('add', { input, partitionBy: 'id', handler: () => ({}) })
const find = defineQuery('find', { input, partitionBy: 'id', handler: () => ({}) })

const shop = (partitions: number) =>
  defineSpace('shop', { partitions, caches: [items], commands: [add], queries: [find] })

/** Of everything that is said to be a position. */
function typesIn(partitions: number): string[] {
  const space = shop(partitions)
  const schemas = [
    commandSchema(space, add),
    querySchema(space, find),
    entrySchema(space, items, 'all'),
  ]
  const text = JSON.stringify(schemas)
  // Of a space with one partition the header may name a moment of the past as well.
  const said = /"(?:position|Grid-Position|writtenAt)":\{"type":"(\w+)"/g
  return [...text.matchAll(said)].map(([, type = '']) => type)
}

test('a position is a number in a space of one partition, and a text in one of several', () => {
  expect(typesIn(1)).toEqual(['integer', 'integer', 'integer'])
  expect(typesIn(4)).toEqual(['string', 'string', 'string', 'string', 'string'])
})
