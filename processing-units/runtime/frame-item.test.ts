import { type Step, StepKind } from '@spacegrid/grid/core/steps'
import { expect, test } from 'vitest'
import { type Check, type Item, inFrame, isLong, type Sent, takeItems } from './frame-item.ts'

const abandonedOf = new Map<Item, number>()
const abandoned = (item: Item) => abandonedOf.get(item) ?? 0

function transaction(steps = 1, cancelled = false): Sent {
  const step: Step = { kind: StepKind.delete, cache: 2, key: 'x' }
  const item: Sent = {
    record: {
      number: 1,
      reads: [],
      ranges: [],
      steps: new Array<Step>(steps).fill(step),
      events: [],
      notBefore: 0,
    },
    cancelled,
    decided: () => undefined,
    abandoned: () => void abandonedOf.set(item, abandoned(item) + 1),
  }
  return item
}

const check = (): Check => ({
  reads: [],
  ranges: [],
  confirmed: () => undefined,
  abandoned: () => undefined,
})

test('a frame takes no more than its limit, in order', () => {
  const open: Item[] = [transaction(), check(), transaction(), transaction()]
  const [first, second, third, fourth] = open
  expect(takeItems(open, 3)).toEqual([first, second, third])
  expect(open).toEqual([fourth])
})

test('a long transaction travels alone, in its place', () => {
  const open: Item[] = [transaction(), transaction(100_000), transaction()]
  const [before, long, behind] = open
  expect(takeItems(open, 10)).toEqual([before])
  const alone = takeItems(open, 10)
  expect(alone).toEqual([long])
  expect(isLong(alone[0])).toBe(true)
  expect(takeItems(open, 10)).toEqual([behind])
  expect(open).toEqual([])
})

test('what nobody wants any more is left out and told so, once', () => {
  const cancelled = transaction(1, true)
  const wanted = transaction()
  expect(takeItems([cancelled, wanted], 10)).toEqual([wanted])
  expect(abandoned(cancelled)).toBe(1)
  expect(abandoned(wanted)).toBe(0)
})

test('checks stand between the transactions they were asked for between', () => {
  const items = [check(), transaction(), check(), check(), transaction(), check()]
  const { sent, checks } = inFrame(items)
  expect(sent).toEqual([items[1], items[4]])
  expect([...checks]).toEqual([
    [0, [items[0]]],
    [1, [items[2], items[3]]],
    [2, [items[5]]],
  ])
})
