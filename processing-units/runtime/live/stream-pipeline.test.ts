import { GridError } from '@spacegrid/grid/core/errors'
import { PrometheusTelemetry } from '@spacegrid/grid/doors/admin/prometheus-telemetry'
import type { Caller, Identify } from '@spacegrid/grid/doors/request/caller'
import { RequestPipeline } from '@spacegrid/grid/doors/request/request-pipeline'
import { expect, test } from 'vitest'
import { LiveDoors, StreamClient } from './test-support/live-door.ts'
import { shelf } from './test-support/shelf-space.ts'

const put = { id: 'x', group: 'a', rank: 2 }
const eventStream = { accept: 'text/event-stream' }

/** What `/metrics` says of the streams. */
async function streamMetrics({ registry }: PrometheusTelemetry) {
  const lines = (await registry.metrics()).split('\n')
  return lines.filter((line) => /^spacegrid_streams?_.*(total|count)\{/.test(line)).sort()
}

test('streams are identified, admitted and counted as requests are', async () => {
  const telemetry = new PrometheusTelemetry()
  const callers: Caller[] = []
  const identify: Identify = async (origin) => {
    if (origin.credential === undefined) throw new GridError('rejected', 'Who are you?')
    const caller = { name: origin.credential, origin }
    callers.push(caller)
    return caller
  }
  const pipeline = new RequestPipeline({ identify, telemetry })
  const streams = { streamsMax: 2 }
  const { unit, url, close } = await new LiveDoors(shelf).open('one', { pipeline, streams })
  const events = `${url}/shelf/events`
  const query = `${url}/shelf/queries/ofGroup?group=a`

  for (const [address, headers] of [
    [events, {}],
    [query, eventStream],
  ] as const)
    await expect(StreamClient.open(address, headers)).rejects.toMatchObject({ status: 409 })
  expect(callers).toEqual([])

  const known = { authorization: 'Api-Key k' }
  const followers = [
    await StreamClient.open(events, known),
    await StreamClient.open(query, { ...known, ...eventStream }),
  ]
  expect(callers).toHaveLength(2)
  expect(callers[0]).toMatchObject({
    name: 'Api-Key k',
    origin: { door: 'http', address: '127.0.0.1', trace: { requestId: expect.any(String) } },
  })
  await expect(StreamClient.open(events, known)).rejects.toMatchObject({ status: 503 })
  await expect(StreamClient.open(`${events}?cache=none`, known)).rejects.toMatchObject({
    status: 404,
  })

  await followers[1]?.has(1)
  await unit.execute('put', put)
  await followers[0]?.has(2)
  await followers[1]?.has(2)
  followers[0]?.leave()
  await expect
    .poll(() => streamMetrics(telemetry))
    .toContain('spacegrid_streams_ended_total{space="shelf",why="left"} 1')
  await close()
  expect(await streamMetrics(telemetry)).toEqual([
    // The two events of one transaction are one batch; the answer, and what changed of it.
    'spacegrid_stream_deliveries_total{space="shelf"} 3',
    'spacegrid_stream_seconds_count{space="shelf",stream="events",outcome="ok"} 1',
    'spacegrid_stream_seconds_count{space="shelf",stream="events",outcome="overloaded"} 1',
    'spacegrid_stream_seconds_count{space="shelf",stream="events",outcome="rejected"} 1',
    'spacegrid_stream_seconds_count{space="shelf",stream="events",outcome="unknown_cache"} 1',
    'spacegrid_stream_seconds_count{space="shelf",stream="queries",outcome="ok"} 1',
    'spacegrid_stream_seconds_count{space="shelf",stream="queries",outcome="rejected"} 1',
    'spacegrid_streams_begun_total{space="shelf"} 2',
    'spacegrid_streams_ended_total{space="shelf",why="left"} 1',
    'spacegrid_streams_ended_total{space="shelf",why="stopping"} 1',
  ])
})
