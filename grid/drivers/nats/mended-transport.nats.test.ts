import { waitFor } from '@spacegrid/proof/support/wait-for'
import { expect, inject, onTestFinished, test } from 'vitest'
import { NatsConnection } from './nats-connection.ts'

/** What the driver keeps inside of one connection to a server. */
interface Transport {
  /** Bytes that have come and are not parsed yet. */
  readonly yields: Uint8Array[]
  readonly signal: { resolve(): void }
}

const transportOf = ({ driver }: NatsConnection): Transport =>
  (driver as unknown as { protocol: { transport: Transport } }).protocol.transport

// Seen when servers of a cluster were frozen and killed while large messages were under way: frames
// with other frames' bytes in them.
test('what still comes over a connection that was replaced gets into no message of the new one', async () => {
  const connection = await NatsConnection.open(inject('natsUrl'), { name: 'replaced' })
  onTestFinished(() => connection.close())
  const { driver } = connection
  driver.subscribe('echo.of.replaced', { callback: (_error, message) => message.respond('here') })
  const before = transportOf(connection)
  await driver.reconnect()
  await waitFor(() => connection.connected && transportOf(connection) !== before, {
    what: 'another connection',
  })
  await driver.flush()
  before.yields.push(Buffer.from('MSG late 1 100000\r\n'))
  before.signal.resolve()
  const answer = await driver.request('echo.of.replaced', '', { timeout: 3000 })
  expect(answer.string()).toBe('here')
})
