import { SpaceState } from '@spacegrid/grid/core/space-state'
import { changeAt, deletionAt } from '@spacegrid/grid/engine/changes/test-support/window-author'
import { expect, test } from 'vitest'
import { WindowCollector } from './window-collector.ts'

function stateAt(position: number): SpaceState {
  const state = new SpaceState()
  state.position = position
  return state
}

const eventAt = (position: number) => ({
  name: 'happened',
  payload: { position },
  transaction: position,
  position,
})

const positions = ({ changes }: { changes: readonly { key: string; position: number }[] }) =>
  Object.fromEntries(changes.map(({ key, position }) => [key, position]))

test('of every key the last outcome is kept, of events all', () => {
  const collector = new WindowCollector(3)
  for (const change of [changeAt(4, 'a'), changeAt(5, 'b'), changeAt(6, 'a'), deletionAt(7, 'b')])
    collector.add(change)
  for (const position of [4, 5, 6]) collector.emit(eventAt(position))
  expect(collector.size).toBe(5)
  const window = collector.close(stateAt(8), 'log')
  expect(window.from).toBe(3)
  expect(window.checkpoint.position).toBe(8)
  expect(positions(window)).toEqual({ a: 6, b: 7 })
  expect(window.events).toHaveLength(3)
  expect([collector.from, collector.size]).toEqual([8, 0])
})

test('what has been published already is passed over', () => {
  const collector = new WindowCollector(5)
  for (const position of [4, 5, 6]) {
    collector.add(changeAt(position))
    collector.emit(eventAt(position))
  }
  const window = collector.close(stateAt(6), 'log')
  expect(positions(window)).toEqual({ 'key 6': 6 })
  expect(window.events).toEqual([eventAt(6)])
})

test('a window that could not be published is collected again, under what came after it', () => {
  const collector = new WindowCollector(0)
  collector.add(changeAt(1, 'a'))
  collector.add(changeAt(2, 'b'))
  collector.emit(eventAt(2))
  const window = collector.close(stateAt(2), 'log')
  collector.add(changeAt(3, 'b'))
  collector.emit(eventAt(3))
  collector.reopen(window)
  expect(collector.from).toBe(0)
  const again = collector.close(stateAt(3), 'log')
  expect(positions(again)).toEqual({ a: 1, b: 3 })
  expect(again.events.map(({ position }) => position)).toEqual([2, 3])
})

test('what another pump has published is forgotten, what it has not stays', () => {
  const collector = new WindowCollector(0)
  for (const change of [changeAt(1, 'a'), changeAt(2, 'b'), changeAt(5, 'a')]) collector.add(change)
  for (const position of [1, 5]) collector.emit(eventAt(position))
  collector.forget(4)
  expect([collector.from, collector.size]).toEqual([4, 2])
  const window = collector.close(stateAt(5), 'log')
  expect(window.from).toBe(4)
  expect(positions(window)).toEqual({ a: 5 })
  expect(window.events).toEqual([eventAt(5)])
})
