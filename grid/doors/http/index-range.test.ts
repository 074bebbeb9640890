import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { defineCache } from '../../core/define.ts'
import { readableIndexes } from '../../core/readable-part.ts'
import type { AnyCache } from '../../core/transaction.ts'
import { readArchiveAsked } from './archive-route.ts'

const orders = defineCache('orders', {
  schema: Type.Object({
    orderId: Type.String(),
    status: Type.String(),
    customerId: Type.String(),
    total: Type.Number(),
  }),
  key: 'orderId',
  readable: ['orderId', 'status', 'total'],
  indexes: { byStatus: ['status', 'total'], byCustomer: ['status', 'customerId'] },
}) as AnyCache
const readable = ['orderId', 'status', 'total']
const asked = (text: string) => readArchiveAsked(orders, readable, text)

// docs/decisions/0020
test('nobody looks by an index that has a field which is kept from them', () => {
  expect([...readableIndexes(orders.indexes, readable).keys()]).toEqual(['byStatus'])
  expect([...readableIndexes(orders.indexes, 'all').keys()]).toEqual(['byStatus', 'byCustomer'])
  for (const text of ['index=byCustomer', 'index=byCustomer&equals=closed&from=a'])
    expect(() => asked(text)).toThrow(/index is none of those whose fields callers may read/)
})

test('what a URL asks of an index', () => {
  expect(asked('index=byStatus&equals=closed&from=5&reverse=true&limit=7&cursor=x')).toEqual({
    index: 'byStatus',
    range: { equals: ['closed'], from: 5, reverse: true },
    limit: 7,
    cursor: 'x',
  })
  for (const text of ['explain', 'index=byStatus&explain=true', 'index=byStatus&limit=1e1'])
    expect(() => asked(text), text).toThrow(
      expect.objectContaining({ code: 'invalid_input' }) as Error,
    )
})
