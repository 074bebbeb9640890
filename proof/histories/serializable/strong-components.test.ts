import fc from 'fast-check'
import { expect, test } from 'vitest'
import { strongComponents } from './strong-components.ts'

const edges = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 30 })

test('two nodes are in one component exactly when each can be reached from the other', () => {
  fc.assert(
    fc.property(edges, (pairs) => {
      const successors = Array.from({ length: 10 }, (_, node) =>
        pairs.flatMap(([from, to]) => (from === node ? [to] : [])),
      )
      const reached = successors.map((_, node) => {
        const found = new Set([node])
        for (const next of found) for (const to of successors[next] ?? []) found.add(to)
        return found
      })
      const component = strongComponents(successors)
      for (let one = 0; one < 10; one++)
        for (let other = 0; other < 10; other++)
          expect(component[one] === component[other]).toBe(
            reached[one]?.has(other) && reached[other]?.has(one),
          )
    }),
  )
})

test('a path of a hundred thousand nodes is no more than a long one', () => {
  const successors = Array.from({ length: 100_000 }, (_, node) => [node + 1])
  successors.push([])
  expect(new Set(strongComponents(successors)).size).toBe(100_001)
})
