import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventLines, type StreamEvent } from './event-lines.ts'

const read = (pieces: readonly string[]) => {
  const lines = new EventLines()
  const events: (StreamEvent & { readonly id: string | undefined })[] = []
  for (const piece of pieces)
    for (const event of lines.read(piece)) events.push({ ...event, id: lines.lastId })
  return { events, lines }
}

const stream = [
  'retry: 2000\n\n:\nid: 17\n\n',
  'id: 18\nevent: entry\ndata: {"a":1}\n\n',
  'data: one\ndata:two\n\n',
  'event: empty\n\n: a comment\nid: 19\ndata\n\n',
  'id: 20\n\nevent: cut\ndata: half',
].join('')

test('events have their type, their data and the newest id; one that is cut off is none', () => {
  const { events, lines } = read([stream])
  expect(events).toEqual([
    { type: 'entry', data: '{"a":1}', id: '18' },
    { type: 'message', data: 'one\ntwo', id: '18' },
    { type: 'message', data: '', id: '19' },
  ])
  expect([lines.lastId, lines.retryMs]).toEqual(['20', 2000])
})

test('it does not matter in which pieces a stream comes, nor how its lines end', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 9 })),
      fc.constantFrom('\n', '\r\n', '\r'),
      (sizes, ending) => {
        const text = `${stream.replaceAll('\n', ending)}x`
        const pieces: string[] = []
        let at = 0
        for (const size of sizes) {
          pieces.push(text.slice(at, at + size))
          at += size
        }
        const { events, lines } = read([...pieces, text.slice(at)])
        expect(events).toEqual(read([stream]).events)
        expect(lines.lastId).toBe('20')
      },
    ),
  )
})

test('a new connection forgets what of the old one had come only in part', () => {
  const { lines } = read(['id: 1\ndata: a\n\nid: 2\ndata: b'])
  lines.begin()
  expect(lines.lastId).toBe('1')
  expect([...lines.read('data: c\n\n')]).toEqual([{ type: 'message', data: 'c' }])
  expect(lines.lastId).toBe('1')
})
