import {
  defineCache,
  defineCommand,
  defineProjection,
  defineSpace,
  Type,
} from '@spacegrid/grid/core/define'
import { expect, test } from 'vitest'
import { LiveDoors, StreamClient, type StreamedEvent } from './test-support/live-door.ts'
import { type Operation, patched } from './test-support/patched.ts'
import { shelf } from './test-support/shelf-space.ts'

const accept = { accept: 'text/event-stream' }
const put = (id: string, rank: number) => ({ id, group: 'a', rank })

/** What a reader has after all that it was told. */
function resultOf(events: readonly StreamedEvent[]): unknown {
  let result: unknown
  for (const { type, data } of events) {
    const told = data as { result: unknown; patch: Operation[] }
    if (type === 'answer') result = told.result
    if (type === 'patch') result = patched(result, told.patch)
    if (type === 'failure') result = undefined
  }
  return result
}

test('the answer first, then what changes of it', async () => {
  const { unit, url } = await new LiveDoors(shelf).open('one')
  for (let rank = 1; rank < 9; rank++) await unit.execute('put', put(`item ${rank}`, rank))
  const stream = await StreamClient.open(`${url}/shelf/queries/ofGroup?group=a`, accept)
  await stream.has(1)
  const plain = await (await fetch(`${url}/shelf/queries/ofGroup?group=a`)).json()
  expect(stream.events[0]).toMatchObject({ type: 'answer', data: plain })
  const { position } = await unit.execute('put', { ...put('item 3', 3), secret: 'not shown' })
  await unit.execute('put', { ...put('other', 3), group: 'b' })
  const later = await unit.execute('put', put('item 8', 10))
  await stream.has(2)
  expect(later.position).toBeGreaterThan(position)
  expect(stream.events[1]).toMatchObject({
    type: 'patch',
    data: { patch: [{ op: 'replace', path: '/7/rank', value: 10 }], position: later.position },
  })
  await unit.execute('drop', { id: 'item 1' })
  await expect
    .poll(async () => resultOf(stream.events))
    .toEqual((await unit.query('ofGroup', { group: 'a' })).result)
})

test('many readers cost one evaluation; who comes back to what it has is told nothing', async () => {
  const doors = new LiveDoors(shelf)
  const [one, two] = [await doors.open('one'), await doors.open('two')]
  await one.unit.execute('put', put('x', 1))
  const path = '/shelf/queries/ofGroup?group=a'
  const readers = await Promise.all(
    Array.from({ length: 20 }, () => StreamClient.open(one.url + path, accept)),
  )
  for (const reader of readers) await reader.has(1)
  const before = one.unit.status().live?.evaluations ?? 0
  await one.unit.execute('put', put('y', 2))
  for (const reader of readers) await reader.has(2)
  expect((one.unit.status().live?.evaluations ?? 0) - before).toBe(1)
  const [reader] = readers as [StreamClient]
  const headers = { ...accept, 'last-event-id': reader.id as string }
  const back = await StreamClient.open(two.url + path, headers)
  await two.unit.execute('put', put('z', 3))
  await back.has(1)
  await reader.has(3)
  expect(resultOf([...reader.events.slice(0, 2), ...back.events])).toEqual(resultOf(reader.events))
  const late = await StreamClient.open(two.url + path, {
    ...accept,
    'last-event-id': readers[0]?.events[0]?.id as string,
  })
  await late.has(1)
  expect(late.events[0]).toMatchObject({ type: 'answer' })
})

test('what a query cannot answer is said as ever; later on, in the stream', async () => {
  const { unit, url } = await new LiveDoors(shelf).open('one')
  const refused = (path: string, headers = {}) =>
    expect(StreamClient.open(url + path, { ...accept, ...headers })).rejects
  await refused('/shelf/queries/item?id=x').toMatchObject({ status: 404 })
  await refused('/shelf/queries/ofGroup').toMatchObject({ status: 400 })
  await refused('/shelf/queries/none').toMatchObject({ status: 404 })
  const id = { 'last-event-id': 'nonsense' }
  await refused('/shelf/queries/ofGroup?group=a', id).toMatchObject({ status: 400 })
  await unit.execute('put', put('x', 1))
  const stream = await StreamClient.open(`${url}/shelf/queries/item?id=x`, accept)
  await stream.has(1)
  await unit.execute('drop', { id: 'x' })
  await stream.has(2)
  expect(stream.events[1]).toMatchObject({
    type: 'failure',
    data: { status: 404, code: 'not_found', detail: 'no such item' },
  })
  await unit.execute('put', put('x', 2))
  await stream.has(3)
  expect(stream.events[2]).toMatchObject({ type: 'answer', data: { result: { rank: 2 } } })
})

test('a reader who does not read gets the newest answer when it reads again', async () => {
  const { unit, url } = await new LiveDoors(shelf).open('one')
  const group = 'x'.repeat(1000)
  for (let rank = 0; rank < 300; rank++)
    await unit.execute('put', { id: `${group}${rank}`, group, rank })
  const path = `/shelf/queries/ofGroup?group=${group}`
  const slow = await StreamClient.open(url + path, accept)
  const quick = await StreamClient.open(url + path, accept)
  await slow.has(1)
  slow.pause()
  let changes = 0
  const change = async () => {
    const before = quick.events.length
    // Everything moves: the whole answer again, 300 kB.
    await unit.execute('drop', { id: `${group}${changes}` })
    await expect.poll(() => quick.events.length).toBeGreaterThan(before)
    changes++
  }
  while (changes < 60) await change()
  slow.resume()
  const wanted = (await unit.query('ofGroup', { group })).result
  await expect.poll(() => resultOf(slow.events)).toEqual(wanted)
  expect(slow.events.length).toBeLessThanOrEqual(quick.events.length)
  expect(slow.ended).toBe(false)
})

test('rows of a projection are live where they are read', async () => {
  const schema = Type.Object({ id: Type.String(), group: Type.String() })
  const items = defineCache('items', { schema, key: 'id' })
  const groups = defineProjection('groups', {
    of: items,
    groupBy: ['group'],
    values: ({ count }) => ({ items: count() }),
    readable: true,
  })
  const add = defineCommand('add', { input: schema, handler: (tx, item) => tx.put(items, item) })
  const space = defineSpace('shelf', { caches: [items], commands: [add], projections: [groups] })
  const { unit, url } = await new LiveDoors(space).open('one')
  await unit.execute('add', { id: 'one', group: 'a/b' })
  const at = `${url}/shelf/projections/groups`
  const row = await StreamClient.open(`${at}/a%2Fb`, accept)
  const rows = await StreamClient.open(`${at}?limit=1`, accept)
  for (const stream of [row, rows]) await stream.has(1)
  const plain = await (await fetch(`${at}/a%2Fb`)).json()
  expect(row.events[0]).toMatchObject({ type: 'answer', data: plain })
  await unit.execute('add', { id: 'two', group: 'a/b' })
  const counted = { group: 'a/b', items: 2 }
  await expect.poll(() => resultOf(row.events)).toEqual(counted)
  await expect.poll(() => resultOf(rows.events)).toEqual({ rows: [counted] })
  const refused = expect(StreamClient.open(`${at}/none`, accept)).rejects
  await refused.toMatchObject({ status: 404 })
})
