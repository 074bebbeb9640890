import { describe, expect, test } from 'vitest'
import { GridClient } from './grid-client.ts'
import type { GridEvent } from './grid-event.ts'
import type { TransportRequest, TransportStream } from './transport.ts'

type Scripted = Error | { readonly status?: number; readonly pieces: readonly (string | Error)[] }

/** A client whose connections bring this, one after the other; the last one stays open. */
function scripted(script: readonly Scripted[]) {
  const opened: TransportRequest[] = []
  const client = new GridClient('http://grid:8080', {
    transport: {
      send: () => Promise.reject(new Error('nothing is asked here')),
      async open(request): Promise<TransportStream> {
        const one = script[opened.push(request) - 1] ?? { pieces: [] }
        if (one instanceof Error) throw one
        const isLast = opened.length >= script.length
        return { status: one.status ?? 200, header: () => undefined, chunks: chunks() }
        async function* chunks() {
          for (const piece of (one as { pieces: readonly (string | Error)[] }).pieces) {
            if (piece instanceof Error) throw piece
            yield piece
          }
          if (isLast && one !== undefined && !('status' in one))
            await new Promise((_, refuse) => {
              const end = () => refuse(new Error('aborted'))
              if (request.signal.aborted) end()
              request.signal.addEventListener('abort', end)
            })
        }
      },
    },
  })
  return { client, opened }
}

const event = (id: number, name = 'Sold') =>
  `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify({ name, payload: { id }, position: id, version: id })}\n\n`
const lost = new Error('connection lost')

async function take(client: GridClient, count: number, options = {}): Promise<GridEvent[]> {
  const taken: GridEvent[] = []
  for await (const one of client.events('shop', options)) {
    taken.push(one)
    if (taken.length === count) break
  }
  return taken
}

describe('a stream of events', () => {
  test('goes on behind its last event when the connection is lost', async () => {
    const { client, opened } = scripted([
      { pieces: [event(1), `${event(2)}id: 3\n\nid: 4\ndata: ha`, lost] },
      lost,
      { pieces: ['event: reconnect\ndata: {"reason":"stopping"}\nretry: 1\n\n'] },
      { pieces: [event(5)] },
    ])
    const events = await take(client, 3)
    expect(events.map(({ id }) => id)).toEqual(['1', '2', '5'])
    expect(events[0]).toEqual({
      ...{ kind: 'event', name: 'Sold', payload: { id: 1 }, position: 1, version: 1, id: '1' },
    })
    expect(opened.map(({ headers }) => headers['last-event-id'])).toEqual([
      undefined,
      '3',
      '3',
      '3',
    ])
    expect(client.seen('shop')).toBe(5)
  })

  test('says what to follow, and where to go on', async () => {
    const entry = { cache: 'seats', change: 'left', key: 'a', position: 8, version: 9 }
    const { client, opened } = scripted([
      { pieces: [`id: 8\nevent: entry\ndata: ${JSON.stringify(entry)}\n\n`] },
    ])
    const range = { equals: ['concert', 'A'], from: 7 }
    const what = { events: [], cache: 'seats', index: 'byRow', range, lastEventId: '7' }
    expect(await take(client, 1, what)).toEqual([{ kind: 'entry', id: '8', ...entry }])
    expect(opened[0]).toMatchObject({
      path: '/shop/events?events=&cache=seats&index=byRow&equals=concert&equals=A&from=7',
      headers: { accept: 'text/event-stream', 'last-event-id': '7' },
    })
    expect(opened[0]?.signal.aborted).toBe(true)
  })

  test('that is refused ends with what the grid says', async () => {
    const refusal = JSON.stringify({ code: 'unknown_cache', detail: 'There is no cache x' })
    const { client } = scripted([{ status: 404, pieces: [refusal] }])
    await expect(take(client, 1)).rejects.toMatchObject({ code: 'unknown_cache' })
  })

  test('ends with its signal, and with the client', async () => {
    const ending = new AbortController()
    const { client } = scripted([{ pieces: [event(1)] }])
    const seen: GridEvent[] = []
    for await (const one of client.events('shop', { signal: ending.signal })) {
      seen.push(one)
      ending.abort()
    }
    expect(seen).toHaveLength(1)
    const { client: stopped } = scripted([{ pieces: [event(1)] }])
    for await (const one of stopped.events('shop')) {
      seen.push(one)
      await stopped.stop()
    }
    expect(seen).toHaveLength(2)
  })

  test('gives up when nobody can be reached for too long', async () => {
    const { client } = scripted(Array(50).fill(lost))
    await expect(take(client, 1, { patienceMs: 1 })).rejects.toMatchObject({ code: 'no_responder' })
  })
})

test('a live query is the whole answer each time, through lost connections and failures', async () => {
  const told = (id: number, type: string, data: object) =>
    `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`
  const patch = [{ op: 'replace', path: '/sections/0/held', value: 2 }]
  const failure = { status: 404, code: 'not_found', detail: 'no such event' }
  const { client, opened } = scripted([
    {
      pieces: [
        told(1, 'answer', { result: { sections: [{ held: 0 }, { held: 1 }] }, position: 1 }),
        told(2, 'patch', { patch, position: 2 }),
        lost,
      ],
    },
    {
      pieces: [
        told(3, 'failure', failure),
        told(4, 'answer', { result: { sections: [] }, position: 4 }),
      ],
    },
  ])
  const answers: unknown[] = []
  for await (const answer of client.live('shop', 'left', { id: 'tea' })) {
    answers.push(answer.error ? answer.error.code : answer)
    if (answers.length === 4) break
  }
  expect(answers).toEqual([
    { result: { sections: [{ held: 0 }, { held: 1 }] }, position: 1 },
    { result: { sections: [{ held: 2 }, { held: 1 }] }, position: 2 },
    'not_found',
    { result: { sections: [] }, position: 4 },
  ])
  expect(opened.map(({ path, headers }) => [path, headers['last-event-id']])).toEqual([
    ['/shop/queries/left?id=tea', undefined],
    ['/shop/queries/left?id=tea', '2'],
  ])
  expect(client.seen('shop')).toBe(4)
})

test('where there are no streams, that is said', async () => {
  const client = new GridClient('nats:', { transport: { send: () => Promise.reject(lost) } })
  await expect(take(client, 1)).rejects.toMatchObject({ code: 'unknown_route' })
})
