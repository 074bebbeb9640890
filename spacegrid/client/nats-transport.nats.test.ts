import { waitFor } from '@spacegrid/proof/support/wait-for'
import { expect, inject, onTestFinished, test } from 'vitest'
import { GridClient, Rejection } from './index.ts'
import { natsTransport } from './nats.ts'
import { CountersGrid, type CountersSpace } from './test-support/counters-grid.ts'

const natsUrl = inject('natsUrl')

async function startGrid() {
  const grid = new CountersGrid(natsUrl, 1)
  onTestFinished(() => grid.stop())
  await Promise.all([grid.add(), grid.add()])
  await grid.settle()
  const { units, space } = grid
  const transport = await natsTransport(natsUrl)
  const client = new GridClient<CountersSpace>('nats:', { transport })
  onTestFinished(() => client.stop())
  const passed = () =>
    units.reduce((sum, { unit }) => sum + (unit.placement().passed?.answered ?? 0), 0)
  return { grid, space, units, client, passed }
}

const ids = Array.from({ length: 40 }, (_, n) => `counter-${n}`)

test('commands and queries go straight to the keepers of their partition, once that is learnt', async () => {
  const { space, client, passed } = await startGrid()
  const session = client.session()
  for (const id of ids)
    expect((await session.command(space.name, 'add', { id, by: 1 })).result).toEqual({ count: 1 })
  await waitFor(
    async () => {
      const before = passed()
      for (const id of ids) await session.query(space.name, 'count', { id })
      return passed() === before
    },
    { what: 'requests that nobody passes on', timeoutMs: 30_000 },
  )
  const before = passed()
  for (const id of ids) await session.command(space.name, 'add', { id, by: 1 })
  expect(passed()).toBe(before)
  expect((await session.query(space.name, 'total', {})).result).toBe(40)
})

test('answers, refusals and errors are those of HTTP', async () => {
  const { space, client } = await startGrid()
  const input = { id: 'a', by: 4 }
  const first = await client.command(space.name, 'add', input, { idempotencyKey: 'k' })
  const again = await client.command(space.name, 'add', input, { idempotencyKey: 'k' })
  expect(again).toEqual({ ...first, replayed: true })
  expect(first.position).toMatch(/^\d\.\d+$/)
  const refused = await client.command(space.name, 'add', input).catch((thrown) => thrown)
  expect(refused).toBeInstanceOf(Rejection)
  expect(refused).toMatchObject({ reason: 'too_many', details: { most: 5 } })
  // @ts-expect-error what no type lets through
  await expect(client.query(space.name, 'count', { id: 7 })).rejects.toMatchObject({
    code: 'invalid_input',
    details: { errors: [{ path: 'id' }] },
  })
  const entry = await client.answerOfEntry(space.name, 'counters', 'a')
  expect(entry).toMatchObject({ kind: 'failed', problem: { code: 'unknown_route' } })
  const nobody = new GridClient('nats:', {
    transport: await natsTransport(natsUrl),
    retry: { retriesMax: 0, retryAfterMaxMs: 0 },
  })
  onTestFinished(() => nobody.stop())
  await expect(nobody.command('nobodys', 'add', {})).rejects.toMatchObject({ code: 'no_responder' })
})

test('what has become of an entry is told as over HTTP, page by page', async () => {
  const { space, client } = await startGrid()
  await client.command(space.name, 'add', { id: 'a', by: 1 }, { idempotencyKey: null })
  await client.command(space.name, 'add', { id: 'a', by: 2 })
  const first = await client.history(space.name, 'counters', 'a', { limit: 1 })
  expect(first).toMatchObject({
    changes: [{ change: 'changed', command: 'add', from: { count: 1 }, to: { count: 3 } }],
    next: expect.any(String),
    position: expect.stringMatching(/^\d\.\d+$/),
  })
  const { changes, next } = await client.history(space.name, 'counters', 'a', {
    cursor: first.next,
  })
  // It had no idempotency key.
  expect(changes).toMatchObject([{ change: 'created', command: 'add', from: null }])
  expect(next).toBeNull()
  await expect(client.history(space.name, 'counters', 'a', { limit: 0 })).rejects.toMatchObject({
    code: 'invalid_input',
    details: { errors: [{ path: 'limit' }] },
  })
  await expect(client.history(space.name, 'counters', '')).rejects.toMatchObject({
    code: 'invalid_key',
  })
})

test('when a keeper goes, whoever takes over is found', async () => {
  const { grid, space, units, client } = await startGrid()
  const session = client.session()
  for (const id of ids) await session.command(space.name, 'add', { id, by: 1 })
  const [first] = units
  const stopping = first && grid.remove(first)
  for (const id of ids) {
    await session.command(space.name, 'add', { id, by: 1 })
    expect((await session.query(space.name, 'count', { id })).result).toBe(2)
  }
  await stopping
})
