import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { expect, test } from 'vitest'
import { GridError } from '../../core/errors.ts'
import { decodeWindow, decodeWindowPart, encodeWindow, type Window } from './window-codec.ts'

const noPause = () => undefined
const id = { pump: 2 ** 52 + 1, number: 7 }

const plain = fc.dictionary(
  fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
  fc.oneof(fc.string(), fc.maxSafeInteger(), fc.boolean(), fc.uint8Array(), fc.constant(null)),
  { noNullPrototype: true },
)
const position = fc.integer({ min: 1, max: 2 ** 40 })
const windows: fc.Arbitrary<Window> = fc
  .record({
    from: position,
    checkpoint: fc.record({
      position,
      logIdentity: fc.string(),
      digest: fc.string({ maxLength: 16 }),
      entries: fc.nat(),
      replicated: fc.uint8Array({ maxLength: 2000 }),
    }),
    changes: fc.array(
      fc.record({
        cache: fc.constantFrom('items', 'orders', '_idempotency'),
        key: fc.string(),
        value: fc.option(plain, { nil: undefined }),
        version: fc.maxSafeNat(),
        position,
      }),
    ),
    events: fc.array(
      fc.record({ name: fc.string(), payload: plain, transaction: position, position }),
    ),
  })
  .map((window) => ({ ...window, from: Math.min(window.from, window.checkpoint.position) }))

/** Bytes come back as views of what they were read from. */
function withPlainBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(withPlainBytes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, withPlainBytes(field)]),
  )
}

test('a window comes back as it was, in as many parts as its records allow', async () => {
  await fc.assert(
    fc.asyncProperty(windows, fc.integer({ min: 400, max: 4000 }), async (window, bytesMax) => {
      const records = await encodeWindow(window, id, bytesMax + 200, noPause)
      expect(Math.max(...records.map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(
        bytesMax + 200,
      )
      const parts = records.map(decodeWindowPart)
      for (const [number, part] of parts.entries())
        expect(part).toMatchObject({ ...id, part: number, parts: parts.length, from: window.from })
      expect(withPlainBytes(await decodeWindow(parts, noPause))).toEqual(withPlainBytes(window))
    }),
    { numRuns: 200 },
  )
})

test('a large window gives others their turn', async () => {
  const changes = Array.from({ length: 5500 }, (_, at) => ({
    cache: 'items',
    key: `${at}`,
    value: { at },
    version: at,
    position: 5,
  }))
  const checkpoint = {
    position: 5,
    logIdentity: 'log',
    digest: '0',
    entries: 5500,
    replicated: new Uint8Array(0),
  }
  let pauses = 0
  const pause = async () => void pauses++
  const records = await encodeWindow(
    { from: 4, checkpoint, changes, events: [] },
    id,
    10_000,
    pause,
  )
  expect(pauses).toBe(6)
  const decoded = await decodeWindow(records.map(decodeWindowPart), pause)
  expect(decoded.changes).toEqual(changes)
  expect(pauses).toBeGreaterThanOrEqual(12)
})

test('a record of another format is refused, not guessed at', () => {
  const record = new Packr({ useRecords: false }).pack([99, 1, 2])
  expect(() => decodeWindowPart(record)).toThrow(GridError)
})
