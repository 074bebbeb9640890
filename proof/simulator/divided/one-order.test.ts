import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Happening, inOneOrder } from './one-order.ts'

interface Given {
  readonly reads?: Readonly<Record<string, string | undefined>>
  readonly writes?: readonly string[]
  readonly at?: readonly [beganAt: number, toldAt: number]
}

const happening = (
  name: string,
  { reads = {}, writes = [], at = [0, 1000] }: Given,
): Happening => ({
  name,
  stamp: name,
  reads: new Map(Object.entries(reads)),
  writes: new Set(writes),
  beganAt: at[0],
  toldAt: at[1],
})

const orderOf = (
  happenings: readonly Happening[],
  versions: Readonly<Record<string, readonly string[]>>,
) => {
  const ordered = inOneOrder(happenings, new Map(Object.entries(versions)))
  return 'order' in ordered ? ordered.order.map(({ name }) => name) : ordered
}

describe('one order of what happened on several partitions', () => {
  test('follows who read what', () => {
    const a = happening('a', { reads: { x: undefined }, writes: ['x'] })
    const b = happening('b', { reads: { x: 'a', y: undefined }, writes: ['y'] })
    const c = happening('c', { reads: { y: 'b', x: 'a' } })
    expect(orderOf([c, b, a], { x: ['a'], y: ['b'] })).toEqual(['a', 'b', 'c'])
  })

  test('is none when each of two saw the other’s place as it was before (write skew)', () => {
    const a = happening('a', { reads: { y: undefined }, writes: ['x'] })
    const b = happening('b', { reads: { x: undefined }, writes: ['y'] })
    expect(orderOf([a, b], { x: ['a'], y: ['b'] })).toHaveProperty('circle')
  })

  test('is none when one sees half of another', () => {
    const a = happening('a', { writes: ['x', 'y'] })
    const half = happening('half', { reads: { x: 'a', y: undefined } })
    expect(orderOf([a, half], { x: ['a'], y: ['a'] })).toHaveProperty('circle')
  })

  test('is none when two commits are seen in different orders', () => {
    const a = happening('a', { writes: ['x'] })
    const b = happening('b', { writes: ['y'] })
    const first = happening('first', { reads: { x: 'a', y: undefined } })
    const second = happening('second', { reads: { x: undefined, y: 'b' } })
    expect(orderOf([a, b, first, second], { x: ['a'], y: ['b'] })).toHaveProperty('circle')
  })

  test('is none when somebody is told, and another who begins then does not see it', () => {
    const a = happening('a', { writes: ['x'], at: [0, 5] })
    const early = happening('early', { reads: { x: undefined }, at: [4, 9] })
    const late = happening('late', { reads: { x: undefined }, at: [6, 9] })
    expect(orderOf([a, early], { x: ['a'] })).toEqual(['early', 'a'])
    expect(orderOf([a, late], { x: ['a'] })).toHaveProperty('circle')
  })

  test('what nobody has written was not read', () => {
    const reader = happening('reader', { reads: { x: 'ghost' } })
    expect(() => orderOf([reader], { x: [] })).toThrow('ghost')
  })

  test('is found for every history that one after the other made', () => {
    const steps = fc.array(
      fc.record({
        reads: fc.uniqueArray(fc.nat(3)),
        writes: fc.uniqueArray(fc.nat(3)),
        lasts: fc.nat(5),
      }),
      { maxLength: 20 },
    )
    fc.assert(
      fc.property(steps, (all) => {
        const now: (string | undefined)[] = []
        const versions: Record<string, string[]> = {}
        const happenings = all.map(({ reads, writes, lasts }, at) => {
          const name = `h${at}`
          const seen = Object.fromEntries(reads.map((place) => [String(place), now[place]]))
          for (const place of writes) {
            now[place] = name
            versions[place] = [...(versions[place] ?? []), name]
          }
          // Each took effect at some moment while its caller waited.
          const spread = { at: [at * 2 - lasts, at * 2 + 1 + lasts] } as const
          return happening(name, { reads: seen, writes: writes.map(String), ...spread })
        })
        const order = orderOf(happenings.toReversed(), versions)
        return Array.isArray(order) && order.length === happenings.length
      }),
    )
  })
})
