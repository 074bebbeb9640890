import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DataFault,
  DataTooLarge,
  dataDepthMax,
  dataFault,
  isData,
  takeData,
  tellData,
} from './data.ts'

class Money {
  cents = 5
}
const nested = (levels: number): unknown => {
  let data: unknown = 'x'
  for (let level = 0; level < levels; level++) data = { in: data }
  return data
}
const circle: { self?: unknown } = {}
circle.self = circle
/** 64 levels of two: more than any machine could copy. */
const bomb = () => {
  let data: unknown = 1
  for (let level = 0; level < 60; level++) data = [data, data]
  return data
}

describe('what cannot be kept', () => {
  test.each<[string, unknown, string]>([
    ['a bigint', 5n, 'is a bigint'],
    ['NaN', Number.NaN, 'is NaN'],
    ['infinity', -Infinity, 'is -Infinity'],
    ['a function', () => 1, 'is a function'],
    ['a symbol', Symbol('s'), 'is a symbol'],
    ['a map', new Map(), 'is a Map'],
    ['a set', new Set(), 'is a Set'],
    ['an instance', new Money(), 'is a Money'],
    ['a boxed number', Object(5), 'is a Number'],
    ['a boxed text', Object('x'), 'is a String'],
    ['an invalid date', new Date(Number.NaN), 'is an invalid date'],
    ['a pattern', /x/, 'is a RegExp'],
    ['an error', new Error('x'), 'is a Error'],
    ['a promise', Promise.resolve(), 'is a Promise'],
    ['a big array', new BigInt64Array(2), 'is a BigInt64Array'],
    ['a buffer of its own', new ArrayBuffer(2), 'is a ArrayBuffer'],
    ['a view', new DataView(new ArrayBuffer(2)), 'is a DataView'],
    ['a lone surrogate', 'a\ud800', 'well-formed'],
    ['an array of a class', class Rows extends Array {}.from([1]), 'is a Rows'],
  ])('%s is refused, with its path and the reason', (_, data, problem) => {
    expect(dataFault(data)).toMatchObject({ path: '' })
    const fault = dataFault({ a: [0, { b: data }] })
    expect(fault).toBeInstanceOf(DataFault)
    expect(fault).toMatchObject({ path: 'a.1.b', problem: expect.stringContaining(problem) })
    expect(fault?.message).toContain('a.1.b ')
  })

  test('undefined in a list, and a hole', () => {
    expect(dataFault([1, undefined])).toMatchObject({ path: '1', problem: /undefined/ })
    // biome-ignore lint/suspicious/noSparseArray: this is what is refused
    expect(dataFault({ a: [1, , 3] })?.path).toBe('a.1')
  })

  test('names that no document can have', () => {
    expect(dataFault({ 'a\0': 1 })).toMatchObject({ problem: expect.stringContaining('U+0000') })
    expect(dataFault({ a: { '\ud800': 1 } })?.path).toBe('a.\ufffd')
  })

  test('more than 64 levels, a circle, more than a million members', () => {
    expect(takeData(nested(64))).toEqual(nested(64))
    expect(dataFault(nested(65))?.problem).toContain('64 levels')
    expect(dataFault(circle)?.problem).toContain('64 levels')
    for (const wrong of [nested(65), circle, bomb(), new Array(1_000_001).fill(0)])
      expect(isData(wrong)).toBe(false)
    expect(isData(nested(64))).toBe(true)
    expect(dataFault(bomb())?.problem).toContain('1000000 members')
    expect(dataFault(new Array(1_000_001).fill(0))?.problem).toContain('1000000 members')
  })

  test('is not copied to find out how long it is', () => {
    const long = new Proxy([], { get: (_, name) => (name === 'length' ? 2 ** 32 - 1 : undefined) })
    for (const list of [new Array(2 ** 32 - 1), long])
      for (const take of [takeData, tellData])
        expect(() => take({ list })).toThrow('list goes beyond 1000000 members and items')
  })
})

describe('what is told', () => {
  const anything = fc.anything({ withDate: true, withTypedArray: true, withNullPrototype: true })

  test('is what would be taken, and its receiver may change it', () => {
    fc.assert(
      fc.property(anything, (data) => {
        const fault = dataFault(data)
        if (fault) expect(() => tellData(data)).toThrow(fault.message)
        else expect(tellData(data)).toEqual(takeData(data))
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 500) },
    )
    const told = tellData({ list: [{ n: 1 }] }) as { list: { n: number }[] }
    told.list.push({ n: 2 })
    expect(told).toEqual({ list: [{ n: 1 }, { n: 2 }] })
  })

  test('is what an accessor gives once, and a copy', () => {
    let asked = 0
    const bytes = new Uint8Array([1])
    const list = Object.defineProperty([0], 0, { get: () => ++asked, enumerable: true })
    const original = { list, bytes, date: new Date(5), ...JSON.parse('{"__proto__":{"n":1}}') }
    const told = tellData(original) as typeof original
    bytes[0] = 2
    original.date.setTime(6)
    expect([told.list, told.list, asked]).toEqual([[1], [1], 1])
    expect(told).toMatchObject({ bytes: new Uint8Array([1]), date: new Date(5) })
    expect(Object.getOwnPropertyDescriptor(told, '__proto__')?.value).toEqual({ n: 1 })
  })

  test('is what it holds, whatever it would say of itself in JSON', () => {
    const toJSON = () => 1n
    const odd: readonly object[] = [
      Object.defineProperty({ n: 1 }, 'toJSON', { value: toJSON }),
      Object.assign([1], { toJSON }),
      Object.assign(new Date(5), { toJSON }),
      Object.assign(new Date(5), { toISOString: toJSON }),
      Object.assign(new Uint8Array(2), { toJSON }),
      Buffer.from('ab'),
    ]
    const plain = [
      { n: 1 },
      [1],
      new Date(5),
      new Date(5),
      new Uint8Array(2),
      new Uint8Array([97, 98]),
    ]
    for (const told of [tellData(odd), takeData(odd)]) {
      expect(JSON.stringify(told)).toBe(JSON.stringify(plain))
      expect(told).toEqual(plain)
    }
    expect(() => tellData({ toJSON })).toThrow('toJSON is a function')
    expect(tellData({ toJSON: 'text' })).toEqual({ toJSON: 'text' })
  })

  test('what is known stands in it itself', () => {
    const known = Object.freeze({ id: 'a' })
    const isKnown = { has: (data: object) => data === known, fitting: () => undefined }
    const told = tellData({ list: [known] }, isKnown) as { list: object[] }
    expect(told.list[0]).toBe(known)
  })
})

describe('what is taken', () => {
  test('is a copy that nobody can change, whatever becomes of the original', () => {
    const original = { list: [{ n: 1 }], bytes: Buffer.from('ab'), none: undefined, zero: -0 }
    const taken = takeData(original)
    original.list.push({ n: 2 })
    original.bytes[0] = 0
    expect(taken).toStrictEqual({ list: [{ n: 1 }], bytes: new Uint8Array([97, 98]), zero: 0 })
    expect(() => (taken.list as unknown[]).push(1)).toThrow(TypeError)
    expect(() => Object.assign(taken.list[0] as object, { n: 5 })).toThrow(TypeError)
  })

  test('is what an accessor gives, once', () => {
    let asked = 0
    const taken = takeData({
      get n() {
        return ++asked
      },
    })
    expect([taken.n, taken.n, asked]).toEqual([1, 1, 1])
  })

  test('has a member called __proto__ like any other', () => {
    const taken = takeData(JSON.parse('{"__proto__":{"x":1},"a":2}') as object)
    expect(Object.keys(taken)).toEqual(['__proto__', 'a'])
    expect('x' in taken).toBe(false)
  })

  test('is taken again as it is, or refused: any value of JavaScript', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withBoxedValues: true,
      withNullPrototype: true,
      withUnicodeString: true,
    })
    fc.assert(
      fc.property(anything, (data) => {
        expect(isData(data)).toBe(dataFault(data) === undefined)
        if (dataFault(data)) return
        const once = takeData(data)
        expect(isDeepStrictEqual(takeData(once), once)).toBe(true)
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 500) },
    )
  })
})

test('a text that is too long is not looked into: the engine may not have put it together yet', () => {
  const long = 'x'.padEnd(5000, 'y')
  expect(() => takeData({ a: ['z', long] }, 5000)).toThrow(DataTooLarge)
  expect(() => takeData({ a: ['z', long] }, 5000)).toThrow('a.1 goes beyond the characters')
  expect(takeData({ a: ['z', long] }, 5001)).toEqual({ a: ['z', long] })
})

describe('objects whose names have often been seen', () => {
  /** Often enough that code has been made for them. */
  const learn = (data: object) => {
    for (let i = 0; i < 40; i++) takeData({ ...data })
  }
  const seen = { aText: 'a', aNumber: 1, yes: true, nothing: null, inside: { list: [1] } }

  test('are taken as they are otherwise', () => {
    learn(seen)
    const taken = takeData({ ...seen, aNumber: -0, inside: { list: [-0] } })
    expect(taken).toStrictEqual({ ...seen, aNumber: 0, inside: { list: [0] } })
    expect([taken, taken.inside, taken.inside.list].every(Object.isFrozen)).toBe(true)
    expect(Object.keys(taken)).toEqual(Object.keys(seen))
  })

  test.each([
    ['aText', 'a\ud800'],
    ['aNumber', Number.NaN],
    ['aNumber', Number.POSITIVE_INFINITY],
    ['yes', 1n],
    ['nothing', () => undefined],
    ['inside', new Map()],
    ['inside', Promise.resolve()],
  ])('%s cannot be %s', (name, member) => {
    learn(seen)
    expect(() => takeData({ ...seen, [name]: member })).toThrow(
      expect.objectContaining({ name: 'DataFault', path: name }),
    )
  })

  test('may lack a member, have it as undefined, or have one more', () => {
    learn(seen)
    const { yes: _, ...less } = seen
    expect(takeData({ ...seen, yes: undefined })).toStrictEqual(less)
    expect(takeData(less)).toStrictEqual(less)
    expect(takeData({ ...seen, more: 'x' })).toStrictEqual({ ...seen, more: 'x' })
    expect(() => takeData({ ...seen, 'm\0re': 'x' })).toThrow('U+0000')
  })

  test('have a member called __proto__ as a member', () => {
    const odd = JSON.parse('{"before":1,"__proto__":{"a":1},"behind":2}')
    learn(odd)
    for (let i = 0; i < 40; i++) {
      const taken = takeData(JSON.parse('{"before":1,"__proto__":{"a":1},"behind":2}'))
      expect(JSON.stringify(taken)).toBe('{"before":1,"__proto__":{"a":1},"behind":2}')
      expect(Object.getPrototypeOf(taken)).toBe(Object.prototype)
    }
  })

  test('keep what was read, whatever a getter says later', () => {
    learn({ again: 'a' })
    let read = 0
    const shifty = {
      get again() {
        return read++ === 0 ? 'text' : Number.NaN
      },
    }
    expect(takeData(shifty)).toStrictEqual({ again: 'text' })
  })

  test('count within the bounds of a value', () => {
    learn({ deep: null, rest: null })
    let nested: unknown = null
    for (let i = 0; i < dataDepthMax; i++) nested = { deep: nested, rest: null }
    expect(() => takeData(nested)).not.toThrow()
    expect(() => takeData({ deep: nested, rest: null })).toThrow('nested more deeply')
    expect(() => takeData({ deep: 'abc', rest: 'abc' }, 5)).toThrow(DataTooLarge)
    const many = Array.from({ length: 400_000 }, () => ({ deep: null, rest: null }))
    expect(() => takeData(many)).toThrow('members and items')
  })
})
