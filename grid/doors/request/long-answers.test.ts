import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLong, jsonPieces, LongAnswers } from './long-answers.ts'

const seats = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ seatId: `A-1-${at}`, status: 'free', price: 4500 }))

test('what an answer is in pieces is what it is in one', () => {
  const data = fc.jsonValue({ maxDepth: 3 })
  const long = fc.record({
    items: fc.array(data, { maxLength: 20 }),
    times: fc.integer({ min: 1, max: 300 }),
    more: data,
  })
  fc.assert(
    fc.property(long, ({ items, times, more }) => {
      const result = { many: Array.from({ length: times }, () => items), more, not: undefined }
      for (const one of [result, result.many, [result, [], {}], { inside: { result } }])
        expect([...jsonPieces(one)].join('')).toBe(JSON.stringify(one))
    }),
  )
})

test('no piece is long, wherever in the answer there is much', () => {
  for (const data of [
    seats(20_000),
    { eventId: 'concert', seats: seats(20_000) },
    { sections: [{ seats: seats(10_000) }, { seats: seats(10_000) }] },
    Object.fromEntries(seats(20_000).map((seat) => [seat.seatId, seat])),
  ]) {
    const pieces = [...jsonPieces(data)]
    expect(pieces.join('')).toBe(JSON.stringify(data))
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(50_000)
  }
})

test('arrays of numbers, dates and holes are written as they are', () => {
  const data = [...seats(5000), new Date(0), undefined, new Float64Array([1, 2])]
  expect([...jsonPieces(data)].join('')).toBe(JSON.stringify(data))
})

test('only what takes long is long', () => {
  expect(isLong(seats(100))).toBe(false)
  expect(isLong({ eventId: 'concert', seats: seats(100_000) })).toBe(true)
})

test('others have their turns while one is written, and the next one begins when it is', async () => {
  const answers = new LongAnswers()
  const data = seats(200_000)
  const ended: string[] = []
  let turns = 0
  const count = () => {
    turns++
    if (ended.length < 2) setImmediate(count)
  }
  setImmediate(count)
  const first = answers.write(data).then((written) => {
    ended.push('first')
    return written
  })
  await answers.write([1]).then(() => ended.push('second'))
  expect(ended).toEqual(['first', 'second'])
  const { json, ms } = await first
  expect(json.toString()).toBe(JSON.stringify(data))
  expect(ms).toBeGreaterThan(0)
  expect(turns).toBeGreaterThan(3)
})
