import { describe, expect, test } from 'vitest'
import { MemoryServing } from './test-support/memory-serving.ts'
import { depot, shop } from './test-support/shop-space.ts'
import { rotationsOf, UnitRotation } from './unit-rotation.ts'

const three = () => ['a', 'b', 'c'].map((name) => new MemoryServing(name, shop))
const turns = (rotation: UnitRotation, count: number) =>
  Array.from({ length: count }, () => rotation.next().name).join('')

describe('UnitRotation', () => {
  test('takes the units in turn', () => {
    expect(turns(new UnitRotation(three()), 7)).toBe('abcabca')
  })

  test('passes over units that are not ready, and takes them up again', () => {
    const units = three()
    const rotation = new UnitRotation(units)
    const [, second] = units as [MemoryServing, MemoryServing, MemoryServing]
    second.ready = { ready: false, reason: 'lagging' }
    expect(turns(rotation, 5)).toBe('acaca')
    second.ready = { ready: true }
    expect(turns(rotation, 3)).toBe('bca')
  })

  test('leaves the refusal to the units when none is ready', () => {
    const units = three()
    const rotation = new UnitRotation(units)
    for (const unit of units) unit.ready = { ready: false }
    expect(turns(rotation, 4)).toBe('abca')
  })

  test('needs units, all of one definition', () => {
    expect(() => new UnitRotation([])).toThrow(TypeError)
    const other = new MemoryServing('b', { ...shop })
    expect(() => new UnitRotation([new MemoryServing('a', shop), other])).toThrow(TypeError)
  })

  test('units come and go while it turns, but for the last one', () => {
    const units = three()
    const rotation = new UnitRotation(units)
    const fourth = new MemoryServing('d', shop)
    rotation.add(fourth)
    expect(turns(rotation, 5)).toBe('abcda')
    for (const unit of units) rotation.remove(unit)
    rotation.remove(fourth)
    expect(turns(rotation, 2)).toBe('dd')
    expect(() => rotation.add(new MemoryServing('e', depot))).toThrow(TypeError)
  })

  test('there is one per space', () => {
    const units = [...three(), new MemoryServing('d', depot)]
    expect([...rotationsOf(units).keys()]).toEqual(['shop', 'depot'])
  })
})
