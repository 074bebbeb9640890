import { defineCache, defineSpace } from '@spacegrid/grid/core/define'
import { mergeShapes, shapeOf } from '@spacegrid/grid/core/shape'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { FaultDesk } from './fault-desk.ts'
import { Projections } from './projections.ts'
import { StateReader } from './state-reader.ts'

const schema = Type.Object({ id: Type.String(), n: Type.Integer() })
const things = defineCache('things', { schema, key: 'id', indexes: { byN: ['n'] } })
const space = defineSpace('reading', { caches: [things] })

function stateWith(...values: { readonly id: string; readonly n: unknown }[]) {
  const state = new SpaceState()
  state.reshape(mergeShapes(state.layout.shape, shapeOf(space)))
  const number = state.layout.named('things')?.number ?? -1
  const write = (value: { readonly id: string; readonly n: unknown }) =>
    state.write(number, value.id, Object.freeze(value), 1, 1)
  for (const value of values) write(value)
  const faults = new FaultDesk(
    () => '',
    () => undefined,
  )
  const projections = new Projections(space, state, faults)
  const reader = () => new StateReader({ state, projections }, () => 0)
  return { reader, write }
}

test('a committed value fits a schema only as long as it stands', () => {
  const { reader, write } = stateWith({ id: 'a', n: 1 })
  const asked = () => {
    const read = reader()
    return read.fitting(read.get(things, 'a'), schema)?.n
  }
  expect([asked(), asked()]).toEqual([1, 1])
  // Of another version of the application, which says something else of the field.
  write({ id: 'a', n: 'one' })
  expect(asked()).toBe(undefined)
  write({ id: 'a', n: 2 })
  expect(asked()).toBe(2)
})

test('a value that fits one schema need not fit another', () => {
  const { reader } = stateWith({ id: 'a', n: 1 })
  const read = reader()
  const value = read.get(things, 'a')
  expect(read.fitting(value, schema)).toBe(value)
  expect(read.fitting(value, Type.Object({ id: Type.Integer() }))).toBe(undefined)
  expect(read.fitting({ id: 'a', n: 1 }, schema)).toBe(undefined)
  expect(read.fitting(undefined, undefined)).toBe(undefined)
})

test('a range is what was given only as long as nobody has changed the list', () => {
  const { reader } = stateWith({ id: 'a', n: 1 }, { id: 'b', n: 2 })
  const read = reader()
  const list = read.range(things, 'byN') as unknown[]
  const told = read.fitting(list, undefined)
  expect(told).toEqual(list)
  expect(read.fitting(list, Type.Array(schema))).toBe(undefined)
  const [first] = list
  for (const change of [
    () => list.push(Number.NaN),
    () => list.splice(0, list.length, first, Number.NaN),
  ]) {
    change()
    expect(read.fitting(list, undefined)).toBe(undefined)
  }
  // What was told of it stays as it was.
  expect(told).toEqual([
    { id: 'a', n: 1 },
    { id: 'b', n: 2 },
  ])
  expect([read.has(first), read.has(list[1])]).toEqual([true, false])
})

test('what it has handed out is known, one by one or by a range, and nothing else is', () => {
  const { reader } = stateWith({ id: 'a', n: 1 }, { id: 'b', n: 2 }, { id: 'c', n: 3 })
  const read = reader()
  const one = read.get(things, 'a')
  const another = read.get(things, 'b')
  const [, , last] = read.range(things, 'byN')
  expect([one, another, last].map((value) => read.has(value))).toEqual([true, true, true])
  expect([undefined, {}, { id: 'a', n: 1 }].map((value) => read.has(value))).toEqual([
    false,
    false,
    false,
  ])
})
