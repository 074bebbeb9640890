import { startNats } from '@spacegrid/proof/support/test-servers'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { expect, inject, test } from 'vitest'
import { NatsConnection } from './nats-connection.ts'

const name = 'connection test'

test('reaches whichever of several servers is there', async () => {
  const there = inject('natsUrl').replace('nats://', '')
  const connection = await NatsConnection.open(`127.0.0.1:1, ${there}`, { name })
  expect(connection.connected).toBe(true)
  expect(connection.driver.getServer()).toBe(there)
  await connection.close()
  expect(connection.connected).toBe(false)
})

test('log_unavailable when no server answers within the bound', async () => {
  const begun = performance.now()
  await expect(
    NatsConnection.open('nats://127.0.0.1:1,nats://127.0.0.1:2', { name, connectTimeoutMs: 500 }),
  ).rejects.toMatchObject({ code: 'log_unavailable', retryable: true })
  expect(performance.now() - begun).toBeLessThan(3000)
})

test('waits for a server that starts later', async () => {
  await using nats = await startNats()
  await nats.kill()
  const [connection] = await Promise.all([
    NatsConnection.open(nats.url, { name, connectTimeoutMs: 30_000 }),
    nats.restart(),
  ])
  expect(connection.connected).toBe(true)
  await connection.close()
})

test.each(['', ' , ', 'http://user:secret@host:4222', 'nats://', 'nats://user:secret@host:port'])(
  'configuration_invalid for %j, and no word of a password',
  async (url) => {
    await expect(NatsConnection.open(url, { name })).rejects.toMatchObject({
      code: 'configuration_invalid',
      message: expect.not.stringContaining('secret'),
    })
  },
)

test('tells its watchers when the server goes and comes back, as often as it does', async () => {
  await using nats = await startNats()
  const connection = await NatsConnection.open(nats.url, { name })
  const seen: boolean[] = []
  const unwatch = connection.watch((connected) => seen.push(connected))
  for (const expected of [
    [false, true],
    [false, true, false, true],
  ]) {
    await nats.kill()
    await waitFor(() => !connection.connected, { what: 'the disconnection' })
    await nats.restart()
    await waitFor(() => connection.connected, { what: 'the reconnection' })
    expect(seen).toEqual(expected)
  }
  unwatch()
  await connection.close()
  expect(seen).toHaveLength(4)
})

// architecture.md, NATS in practice
test('leaves a frozen server for another one even when its send buffer is full', async () => {
  await using one = await startNats()
  await using other = await startNats()
  const connection = await NatsConnection.open(`${one.url},${other.url}`, { name })
  const before = connection.driver.getServer()
  const frozen = one.url.endsWith(before) ? one : other
  await frozen.pause()
  const data = new Uint8Array(512 * 1024)
  for (let count = 0; count < 40; count += 1) connection.driver.publish('nobody.listens', data)
  await waitFor(() => connection.connected && connection.driver.getServer() !== before, {
    what: 'the other server',
    timeoutMs: 20_000,
  })
  await connection.close()
})
