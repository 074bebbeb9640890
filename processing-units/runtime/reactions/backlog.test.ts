import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Backlog, type Place, type WaitingReaction } from './backlog.ts'

const reaction = fc.record({
  id: fc.constantFrom(...'abcdefghij'),
  chain: fc.constantFrom('x', 'y'),
  place: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)),
  isDead: fc.boolean(),
  blocks: fc.boolean(),
})
const step = fc.oneof(reaction, fc.constantFrom(...'abcdefghij'))

const before = (one: Place, other: Place) =>
  one[0] - other[0] || one[1] - other[1] || one[2] - other[2]

test('the next of a chain is the first in the order of the log, whatever order they came in', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const backlog = new Backlog()
      const model = new Map<string, WaitingReaction>()
      for (const one of steps)
        if (typeof one === 'string') {
          backlog.remove(one)
          model.delete(one)
        } else {
          const known = { ...one, at: 0 }
          backlog.put(known)
          model.delete(one.id)
          model.set(one.id, known)
        }
      expect(backlog.size).toBe(model.size)
      expect(backlog.dead).toBe([...model.values()].filter(({ isDead }) => isDead).length)
      for (const chain of ['x', 'y']) {
        const queued = [...model.values()]
          .filter((it) => it.chain === chain && (!it.isDead || it.blocks))
          .sort((one, other) => before(one.place, other.place))
        const [first] = queued
        const next = backlog.next(chain)
        if (!first || queued.every((it) => before(it.place, first.place) === 0 && it.isDead))
          expect(next).toBeUndefined()
        // Of those with equal places any may be the first.
        else if (next) expect(before(next.place, first.place)).toBe(0)
        else
          expect(queued.some((it) => before(it.place, first.place) === 0 && it.isDead)).toBe(true)
      }
      for (const { id } of model.values()) backlog.remove(id)
      expect([backlog.size, backlog.dead, [...backlog.chains]]).toEqual([0, 0, []])
    }),
  )
})

test('a dead letter lets those behind it go on, or keeps them waiting', () => {
  const backlog = new Backlog()
  const one = { chain: 'x', at: 0, isDead: false, blocks: false }
  backlog.put({ ...one, id: 'b', place: [2, 0, 1] })
  backlog.put({ ...one, id: 'a', place: [1, 0, 1] })
  expect(backlog.next('x')?.id).toBe('a')
  backlog.put({ ...one, id: 'a', place: [1, 0, 1], isDead: true })
  expect(backlog.next('x')?.id).toBe('b')
  backlog.put({ ...one, id: 'a', place: [1, 0, 1], isDead: true, blocks: true })
  expect(backlog.next('x')).toBeUndefined()
  backlog.put({ ...one, id: 'a', place: [1, 0, 1] })
  expect(backlog.next('x')?.id).toBe('a')
})
