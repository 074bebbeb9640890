import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { connect } from 'nats'
import { describe, expect, inject, test } from 'vitest'
import './provided-context.ts'
import { startMongod, startNats, startRedis } from './test-servers.ts'
import { waitFor } from './wait-for.ts'

describe('the servers shared by all tests', () => {
  test('JetStream is on and takes messages', async () => {
    const nats = await connect({ servers: inject('natsUrl') })
    const jetStream = await nats.jetstreamManager()
    expect((await jetStream.getAccountInfo()).streams).toBeGreaterThanOrEqual(0)
    await nats.close()
  })

  test('MongoDB runs transactions', async () => {
    const client = new MongoClient(inject('mongodbUrl'))
    const collection = client.db('shared_servers').collection<{ _id: string }>('things')
    await client.withSession((session) =>
      session.withTransaction(() => collection.insertOne({ _id: 'one' }, { session })),
    )
    expect(await collection.findOne({})).toEqual({ _id: 'one' })
    await client.close()
  })

  test('Redis answers', async () => {
    const redis = new Redis(inject('redisUrl'))
    expect(await redis.ping()).toBe('PONG')
    await redis.quit()
  })
})

describe.each([
  ['nats', startNats],
  ['mongodb', startMongod],
  ['redis', startRedis],
] as const)('a %s of its own', (_name, start) => {
  test('comes back on the same URL after a kill, with another process id', async () => {
    await using server = await start()
    const { url, pid } = server
    await server.kill()
    expect(await server.isRunning()).toBe(false)
    await server.restart()
    expect(server.url).toBe(url)
    expect(server.pid).not.toBe(pid)
    await waitFor(() => server.isRunning(), { what: 'the restarted server' })
  })

  test('goes on after a pause', async () => {
    await using server = await start()
    await server.pause()
    expect(await server.isRunning()).toBe(true)
    await server.resume()
    await server.untilServing()
  })
})

test('a message that nats-server acknowledged outlives kill -9', async () => {
  await using server = await startNats()
  const before = await connect({ servers: server.url })
  const manager = await before.jetstreamManager()
  await manager.streams.add({ name: 'kept', subjects: ['kept'] })
  await before.jetstream().publish('kept', 'message')
  await server.kill()
  await before.close().catch(() => {})
  await server.restart()
  const after = await connect({ servers: server.url })
  const { state } = await (await after.jetstreamManager()).streams.info('kept')
  expect(state.messages).toBe(1)
  await after.close()
})

test('a MongoDB folder can move to another port', async () => {
  const first = await startMongod()
  const { folder } = first
  await first.stop()
  await using second = await startMongod({ folder })
  expect(second.url).not.toBe(first.url)
  const client = new MongoClient(second.url, { serverSelectionTimeoutMS: 5000 })
  expect((await client.db('admin').command({ hello: 1 })).isWritablePrimary).toBe(true)
  await client.close()
})
