import { hash } from 'node:crypto'
import { defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { fateOf, UnitWorld } from '@spacegrid/grid/kit/unit-world'
import { afterEach, expect, test } from 'vitest'
import { inputFingerprint } from './idempotency.ts'

const seen: unknown[] = []
const tell = defineCommand('tell', {
  input: Type.Object({ what: Type.Unknown() }),
  handler: (tx, input) => {
    seen.push(input)
    tx.emit('told', {})
  },
})
const world = new UnitWorld(defineSpace('telling', { caches: [], commands: [tell], queries: [] }))
afterEach(() => world.stop())

const nested = (levels: number): unknown =>
  Array.from({ length: levels }).reduce((inner) => ({ inner }), {})

test('data that differs has different fingerprints, and the same data the same', () => {
  const inputs = [
    ...[new Date(0), new Date(1), {}, new Date(0).toJSON(), 0, null, []],
    ...[new Uint8Array([1]), new Uint8Array([2]), new Int8Array([1]), [1], { 0: 1 }],
    ...[new Float64Array([0.5]), new Uint8Array(new Float64Array([0.5]).buffer)],
    ...[{ a: new Date(0) }, { a: {} }, { a: new Uint8Array(0) }, [new Date(0)], [{}]],
  ]
  const fingerprints = inputs.map((input) => inputFingerprint({ input }, 'tell'))
  expect(new Set(fingerprints).size).toBe(inputs.length)
  const again = inputs.map((input) => inputFingerprint({ input: structuredClone(input) }, 'tell'))
  expect(again).toEqual(fingerprints)
  expect(inputFingerprint(Buffer.from([1]), '')).toBe(inputFingerprint(new Uint8Array([1]), ''))
  // As it is in logs written before: keys are remembered across versions.
  const json = hash('sha256', '{"a":[1,"x",null],"b":{"c":true}}', 'base64url').slice(0, 22)
  expect(inputFingerprint({ b: { c: true }, a: [1, 'x', null], d: undefined }, '')).toBe(json)
})

test('an input that is no data is refused with an idempotency key, by its place', async () => {
  const { unit } = await world.startReady()
  const at = (what: unknown, idempotencyKey?: string) =>
    fateOf(unit.execute('tell', { what }, idempotencyKey === undefined ? {} : { idempotencyKey }))
  for (const what of [
    { in: new Map([[1, 2]]) },
    { in: new Set() },
    { in: 1n },
    { in: Number.NaN },
  ]) {
    const fate = at(what, 'key')
    await world.clock.advance(5)
    expect(fate.error).toMatchObject({
      code: 'invalid_input',
      details: { errors: [{ path: 'what.in' }] },
    })
  }
  const circle: Record<string, unknown> = {}
  circle.one = circle.other = circle
  // Goes through the same objects again and again: 2^100 of them.
  const shared = Array.from({ length: 100 }).reduce((inner) => [inner, inner], {})
  for (const what of [nested(600), nested(20_000), circle, shared]) {
    const deep = at(what)
    await world.clock.advance(5)
    expect(deep.error).toMatchObject({ code: 'invalid_input' })
  }
  // What runs is the caller's own object, frozen.
  const input = { what: { when: new Date(0), bytes: new Uint8Array([1]) } }
  await world.settled(unit.execute('tell', input, { idempotencyKey: 'key' }))
  expect(seen.at(-1)).toBe(input)
  const other = fateOf(
    unit.execute('tell', { what: { ...input.what, when: new Date(1) } }, { idempotencyKey: 'key' }),
  )
  await world.clock.advance(5)
  expect(other.error).toMatchObject({ code: 'idempotency_key_reused' })
})
