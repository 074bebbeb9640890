import { expect, test } from 'vitest'
import { LiveDoors, StreamClient, type StreamedEvent } from './test-support/live-door.ts'
import { shelf } from './test-support/shelf-space.ts'

const put = (id: string, rank: number, more: object = {}) => ({ id, group: 'a', rank, ...more })

test('domain events as they are committed, with what callers may see of them', async () => {
  const { unit, url } = await new LiveDoors(shelf).open('one')
  const stream = await StreamClient.open(`${url}/shelf/events`)
  const { position, version } = await unit.execute('put', put('x', 2, { secret: 'door' }))
  await unit.execute('tell', { name: 'Unlisted', text: 'private' })
  await unit.execute('tell', { name: 'reset', text: 'a name that is taken' })
  await unit.execute('tell', { name: 'two words', text: 'a\nb' })
  await stream.has(4)
  expect(stream.events).toEqual([
    {
      id: `${position}e1`,
      type: 'ItemPut',
      data: { name: 'ItemPut', payload: { id: 'x', rank: 2 }, position, version },
    },
    {
      id: String(position),
      type: 'EvenPut',
      data: { name: 'EvenPut', payload: { id: 'x' }, position, version },
    },
    {
      id: expect.any(String),
      type: 'event',
      data: expect.objectContaining({ name: 'reset', payload: { text: 'a name that is taken' } }),
    },
    { id: expect.any(String), type: 'event', data: expect.objectContaining({ name: 'two words' }) },
  ])
  expect(unit.status().live).toMatchObject({ remembers: true, followed: 1 })
})

test('events by name, entries by cache, key and index range', async () => {
  const { unit, url } = await new LiveDoors(shelf).open('one')
  const open = (query: string) => StreamClient.open(`${url}/shelf/events?${query}`)
  const named = await open('events=EvenPut,ItemDropped')
  const both = await open('cache=items')
  const ofKey = await open('events=&cache=items&key=y')
  const ofRange = await open('events=&cache=items&index=byRank&equals=a&from=3&before=6')
  await unit.execute('put', put('x', 2))
  await unit.execute('put', put('x', 4))
  // Nothing that callers may see of it has changed.
  await unit.execute('put', put('x', 4, { secret: 'other' }))
  await unit.execute('put', put('y', 5))
  await unit.execute('put', put('x', 6))
  await unit.execute('drop', { id: 'y' })
  await expect.poll(() => named.data('ItemDropped').length).toBe(1)
  await expect.poll(() => both.data('ItemDropped').length).toBe(1)
  const changes = (stream: StreamClient) =>
    (stream.data('entry') as { change: string; key: string; value?: { rank: number } }[]).map(
      ({ change, key, value }) => [change, key, value?.rank],
    )
  expect(named.events.map(({ type }) => type)).toEqual([
    ...['EvenPut', 'EvenPut', 'EvenPut', 'EvenPut'],
    'ItemDropped',
  ])
  expect(changes(both)).toEqual([
    ['entered', 'x', 2],
    ['changed', 'x', 4],
    ['entered', 'y', 5],
    ['changed', 'x', 6],
    ['left', 'y', undefined],
  ])
  expect(both.data('entry')[0]).toEqual({
    ...{ cache: 'items', change: 'entered', key: 'x', value: put('x', 2) },
    ...{ position: expect.any(Number), version: expect.any(Number) },
  })
  expect(changes(ofKey)).toEqual([
    ['entered', 'y', 5],
    ['left', 'y', undefined],
  ])
  expect(changes(ofRange)).toEqual([
    ['entered', 'x', 4],
    ['entered', 'y', 5],
    ['left', 'x', undefined],
    ['left', 'y', undefined],
  ])
  expect(ofKey.events).toHaveLength(2)
})

test.each([
  ['events=Nothing', 400, 'invalid_input'],
  ['cache=hidden', 404, 'unknown_cache'],
  ['cache=none', 404, 'unknown_cache'],
  ['key=x', 400, 'invalid_input'],
  ['cache=items&index=bySecret', 400, 'invalid_input'],
  ['cache=items&index=none', 400, 'invalid_input'],
  ['cache=items&equals=a', 400, 'invalid_input'],
  ['cache=items&index=byRank&equals=a&from=low', 400, 'invalid_input'],
  ['cache=items&index=byRank&equals=a&equals=1&equals=2', 400, 'invalid_input'],
  ['cache=items&key=x&index=byRank', 400, 'invalid_input'],
  ['other=x', 400, 'invalid_input'],
  ['lastEventId=nonsense', 400, 'invalid_header'],
  ['lastEventId=5c1', 400, 'invalid_header'],
])('refuses %s', async (query, status, code) => {
  const { url } = await new LiveDoors(shelf).open('one')
  const refused = StreamClient.open(`${url}/shelf/events?${query}`)
  await expect(refused).rejects.toMatchObject({ status, body: expect.stringContaining(code) })
})

test('who comes back, to any unit, goes on where it was', async () => {
  const doors = new LiveDoors(shelf)
  const [one, two] = [await doors.open('one'), await doors.open('two')]
  const first = await StreamClient.open(`${one.url}/shelf/events?cache=items`)
  const { position } = await one.unit.execute('put', put('x', 1))
  await first.has(2)
  expect(first.id).toBe(String(position))
  const middle = first.events[0]?.id as string
  first.leave()
  await two.unit.execute('put', put('x', 3))
  await two.unit.execute('put', put('y', 5))
  const headers = { 'last-event-id': first.id as string }
  const second = await StreamClient.open(`${two.url}/shelf/events?cache=items`, headers)
  await second.has(4)
  expect(second.data('ItemPut')).toMatchObject([{ payload: { rank: 3 } }, { payload: { rank: 5 } }])
  // Cut off between two that happened at one position.
  const third = await StreamClient.open(`${two.url}/shelf/events?cache=items&lastEventId=${middle}`)
  await third.has(5)
  expect(third.events[0]).toEqual(first.events[1])
  await one.unit.execute('put', put('z', 7))
  await second.has(6)
  await third.has(7)
  expect(third.events.slice(-2)).toEqual(second.events.slice(-2))
  // They are at the same place by now: what is told is worked out once for both.
  expect(two.unit.status().live).toMatchObject({ followed: 1 })
})

test('who comes back to what nobody remembers is told it from the log, and goes on from there', async () => {
  const { unit, url } = await new LiveDoors(shelf).open('one')
  await unit.execute('put', put('x', 1))
  await unit.execute('put', put('x', 3))
  const late = await StreamClient.open(`${url}/shelf/events?cache=items`, { 'last-event-id': '1' })
  await late.has(4)
  await unit.execute('put', put('x', 5))
  await late.has(6)
  const told = late.events.map(({ type, data }) => [type, (data as { change?: string }).change])
  const changed = (change: string) => [
    ['entry', change],
    ['ItemPut', undefined],
  ]
  expect(told).toEqual([...changed('entered'), ...changed('changed'), ...changed('changed')])
})

test('a reader who does not read is told to come back, and others hear everything', async () => {
  const options = { streams: { streamBytesMax: 100_000 } }
  const { unit, url } = await new LiveDoors(shelf).open('one', options)
  const slow = await StreamClient.open(`${url}/shelf/events?events=two%20words`)
  const quick = await StreamClient.open(`${url}/shelf/events?events=two%20words`)
  slow.pause()
  const text = 'x'.repeat(200_000)
  let told = 0
  const tell = async () => {
    await unit.execute('tell', { name: 'two words', text: `${told} ${text}` })
    await quick.has(++told)
  }
  // The machine's own buffers take some megabytes.
  while (unit.status().live?.followed === 1 && told < 100) {
    await tell()
    if (told > 60) slow.resume()
    if (slow.events.some(({ type }) => type === 'reconnect')) break
  }
  await expect.poll(() => slow.ended).toBe(true)
  expect(slow.events.at(-1)).toMatchObject({ type: 'reconnect', data: { reason: 'slow' } })
  const back = await StreamClient.open(`${url}/shelf/events?events=two%20words`, {
    'last-event-id': slow.id as string,
  })
  await back.has(told - (slow.events.length - 1))
  const short = ({ id, data }: StreamedEvent) => [
    id,
    (data as { payload: { text: string } }).payload.text.slice(0, 8),
  ]
  expect([...slow.events.slice(0, -1), ...back.events].map(short)).toEqual(quick.events.map(short))
})

test('so many readers and no more; a unit that stops tells them to go elsewhere', async () => {
  const door = await new LiveDoors(shelf).open('one', { streams: { streamsMax: 2 } })
  const readers = [
    await StreamClient.open(`${door.url}/shelf/events`),
    await StreamClient.open(`${door.url}/shelf/events?cache=items`),
  ]
  await expect(StreamClient.open(`${door.url}/shelf/events`)).rejects.toMatchObject({
    status: 503,
    body: expect.stringContaining('overloaded'),
  })
  readers[0]?.leave()
  await expect
    .poll(() =>
      StreamClient.open(`${door.url}/shelf/events`).then(
        (it) => readers.push(it),
        () => 0,
      ),
    )
    .toBe(3)
  await door.close()
  for (const reader of readers.slice(1)) {
    expect(reader.ended).toBe(true)
    expect(reader.events).toMatchObject([{ type: 'reconnect', data: { reason: 'stopping' } }])
  }
})
