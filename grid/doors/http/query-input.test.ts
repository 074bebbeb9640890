import fc from 'fast-check'
import type { TObject } from 'typebox'
import { describe, expect, test } from 'vitest'
import { GridError } from '../../core/errors.ts'
import { QueryInput } from './query-input.ts'
import { shop } from './test-support/shop-space.ts'

const input = new QueryInput(shop.queries.get('echo')?.input as TObject)

function errorsOf(queryString: string): unknown {
  try {
    input.parse(queryString)
  } catch (error) {
    if (error instanceof GridError && error.code === 'invalid_input') return error.details.errors
    throw error
  }
  throw new Error('was accepted')
}

describe('QueryInput', () => {
  test.each([
    ['', {}],
    ['limit=5', { limit: 5 }],
    ['limit=5.0&ratio=-2.5e-1', { limit: 5, ratio: -0.25 }],
    ['limit=0', { limit: 0 }],
    ['open=true', { open: true }],
    ['open=false&&text=', { open: false, text: '' }],
    ['text', { text: '' }],
    ['text=5', { text: '5' }],
    ['text=a%20b+c%2Bd%C3%BC', { text: 'a b c+dü' }],
    ['%74ext=a=b', { text: 'a=b' }],
    ['sort=up', { sort: 'up' }],
    ['sort=sideways', { sort: 'sideways' }],
    ['most=5', { most: 5 }],
    ['most=all', { most: 'all' }],
    ['most=null', { most: null }],
    ['ids=a', { ids: ['a'] }],
    ['ids=a&ids=1', { ids: ['a', '1'] }],
    ['sizes=1&sizes=2', { sizes: [1, 2] }],
    ['box={"width":2}', { box: { width: 2 } }],
  ])('%s', (queryString, expected) => {
    expect(input.parse(queryString)).toEqual(expected)
  })

  test.each([
    ['limit=abc', 'limit', 'must be integer'],
    ['limit=', 'limit', 'must be integer'],
    ['limit=1.5', 'limit', 'must be integer'],
    ['limit=0x10', 'limit', 'must be integer'],
    ['limit=NaN', 'limit', 'must be integer'],
    ['ratio=Infinity', 'ratio', 'must be number'],
    ['ratio=1e400', 'ratio', 'must lie between'],
    ['limit=9007199254740993', 'limit', 'must lie between'],
    ['open=1', 'open', 'must be boolean'],
    ['sizes=1&sizes=x', 'sizes', 'must be integer'],
    ['limit=1&limit=1', 'limit', 'is given more than once'],
    ['text=&text=', 'text', 'is given more than once'],
    ['page=1', 'page', 'is not known (known: limit, ratio'],
    ['__proto__=1', '__proto__', 'is not known'],
    ['constructor=1', 'constructor', 'is not known'],
    ['text=%ff', 'text', 'is not percent-encoded UTF-8'],
    ['text=%', 'text', 'is not percent-encoded UTF-8'],
    ['%ff=1', '%ff', 'is not percent-encoded UTF-8'],
    ['box={width:2}', 'box', 'Line 1, column 2'],
    ['box={"width":1e400}', 'box', 'width must lie between'],
  ])('refuses %s', (queryString, path, message) => {
    expect(errorsOf(queryString)).toEqual([{ path, message: expect.stringContaining(message) }])
  })

  test('names every wrong parameter, but not endlessly many', () => {
    expect(errorsOf('limit=a&open=b')).toHaveLength(2)
    expect(errorsOf('x=1&'.repeat(1000))).toHaveLength(10)
  })

  test('says so when a query takes no parameters', () => {
    const none = new QueryInput({ type: 'object', properties: {} } as never)
    expect(() => none.parse('a=1')).toThrow('a is not known (the query takes no parameters)')
  })

  test('a text comes back whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(input.parse(`text=${encodeURIComponent(text)}`)).toEqual({ text })
        expect(input.parse(new URLSearchParams({ text }).toString())).toEqual({ text })
      }),
    )
  })
})
