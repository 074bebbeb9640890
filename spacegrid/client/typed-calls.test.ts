import {
  defineCache,
  defineCommand,
  defineQuery,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { expect, expectTypeOf, test } from 'vitest'
import type { CommandResult, QueryResult } from './call-options.ts'
import type { EntryHistory } from './entry-history.ts'
import { GridClient } from './grid-client.ts'
import type { FromJson } from './typed-calls.ts'

const id = Type.Object({ id: Type.String() })
const shop = defineSpace('shop', {
  caches: [],
  commands: [
    defineCommand('buy', {
      input: Type.Object({ id: Type.String(), count: Type.Integer() }),
      result: Type.Object({ sum: Type.Integer() }),
      handler: () => ({ sum: 1 }),
    }),
  ],
  queries: [
    defineQuery('stock', {
      input: id,
      result: Type.Object({ since: Type.Unsafe<Date>({}), counts: Type.Array(Type.Integer()) }),
      handler: () => ({ since: new Date(0), counts: [] }),
    }),
  ],
})
const bank = defineSpace('bank', {
  caches: [defineCache('accounts', { schema: id, key: 'id', readable: true })],
  commands: [defineCommand('pay', { input: id, handler: () => undefined })],
})

/** Compiled, and never called. */
const compiled = (_neverCalled: () => unknown): void => {}

test('a client with the types of its spaces knows what each takes and gives', () => {
  const client = new GridClient<typeof shop | typeof bank>('http://grid')
  compiled(() => {
    const bought = client.command('shop', 'buy', { id: 'a', count: 1 })
    expectTypeOf(bought).toEqualTypeOf<Promise<CommandResult<{ readonly sum: number }>>>()
    const stock = client.query('shop', 'stock', { id: 'a' }, { from: 'latest' })
    expectTypeOf(stock).toEqualTypeOf<
      Promise<QueryResult<{ readonly since: string; readonly counts: readonly number[] }>>
    >()
    const paid = client.command('bank', 'pay', { id: 'a' })
    expectTypeOf(paid).toEqualTypeOf<Promise<CommandResult<null>>>()
    // @ts-expect-error: no such space
    client.command('shops', 'buy', { id: 'a', count: 1 })
    // @ts-expect-error: a command of the other space
    client.command('bank', 'buy', { id: 'a', count: 1 })
    // @ts-expect-error: a count is a number
    client.command('shop', 'buy', { id: 'a', count: '1' })
    // @ts-expect-error: no such query
    client.query('shop', 'stocks', { id: 'a' })
    // @ts-expect-error: it takes an id
    client.query('shop', 'stock', {})
    const told = client.history('bank', 'accounts', 'a', { limit: 5 })
    expectTypeOf(told).toEqualTypeOf<Promise<EntryHistory>>()
    // @ts-expect-error: no such cache
    client.history('bank', 'nothing', 'a')
  })
  expectTypeOf<FromJson<{ picture: Uint8Array }>>().toEqualTypeOf<{ readonly picture: unknown }>()
  expect(client.open).toBe(0)
})

test('a client without types takes any, and claims nothing', () => {
  const client = new GridClient('http://grid')
  compiled(() => {
    expectTypeOf(client.command('any', 'thing', 5)).toEqualTypeOf<Promise<CommandResult>>()
    expectTypeOf(client.query('any', 'thing', {})).toEqualTypeOf<Promise<QueryResult>>()
  })
  expect(client.open).toBe(0)
})
