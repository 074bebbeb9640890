import { once } from 'node:events'
import { type AddressInfo, connect as connectTo, createServer } from 'node:net'
import { pipeline } from 'node:stream'
import { startNats } from '@spacegrid/proof/support/test-servers'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { afterEach, expect, inject, test } from 'vitest'
import { isGridError } from '../../core/errors.ts'
import { JetStreamLog } from './jetstream-log.ts'
import { LogConnections } from './log-connections.ts'
import { RecordedTail } from './recorded-tail.ts'

const closing: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function shareConnections(natsUrl: string): Promise<LogConnections> {
  const connections = await LogConnections.open(natsUrl, { name: 'shared' })
  closing.push(() => connections.close())
  return connections
}

async function openLogs(
  server: LogConnections,
  count: number,
  stream = uniqueName('many'),
): Promise<JetStreamLog[]> {
  const logs: JetStreamLog[] = []
  for (let at = 0; at < count; at++) {
    const log = await JetStreamLog.open(server, {
      ...{ stream: `${stream}-${at}`, subject: `${stream}.${at}.log` },
      ...{ heartbeatMs: 100, appendTimeoutMs: 1000 },
    })
    closing.push(() => log.close())
    logs.push(log)
  }
  return logs
}

async function tailAll(logs: readonly JetStreamLog[]): Promise<RecordedTail[]> {
  const tails = logs.map((log) => new RecordedTail(log, 0))
  for (const tail of tails) await tail.untilConnected()
  return tails
}

/** Appends as a processing unit would: an unknown outcome is followed by the same bytes again. */
const appendUntilKnown = (log: JetStreamLog, text: string) =>
  waitFor(
    () =>
      log.append(Buffer.from(text)).catch((error: unknown) => {
        if (isGridError(error, 'log_unavailable')) return undefined
        throw error
      }),
    { what: `${text} to be appended`, timeoutMs: 30_000 },
  )

test('many logs have two connections', async () => {
  const target = new URL(inject('natsUrl'))
  let count = 0
  const way = createServer((socket) => {
    count++
    // Whoever closes first while the other still writes breaks off what is under way: no fault.
    pipeline(socket, connectTo(Number(target.port), target.hostname), socket, () => undefined)
  })
  way.listen(0, '127.0.0.1')
  await once(way, 'listening')
  closing.push(async () => void way.close())
  const { port } = way.address() as AddressInfo
  const logs = await openLogs(await shareConnections(`nats://127.0.0.1:${port}`), 8)
  const tails = await tailAll(logs)
  await Promise.all(logs.map((log, at) => log.append(Buffer.from(`of ${at}`))))
  for (const [at, tail] of tails.entries()) {
    await tail.untilPosition(1)
    expect(tail.texts).toEqual([`of ${at}`])
  }
  expect(count).toBe(2)
})

test('a log that is closed leaves the others as they are', async () => {
  const [closed, kept] = (await openLogs(await shareConnections(inject('natsUrl')), 2)) as [
    JetStreamLog,
    JetStreamLog,
  ]
  const [, tail] = (await tailAll([closed, kept])) as [RecordedTail, RecordedTail]
  const underWay = closed.append(Buffer.from('last'))
  await closed.close()
  await expect(underWay).rejects.toMatchObject({ code: 'log_unavailable' })
  expect(await kept.append(Buffer.from('a'))).toBe(1)
  await tail.untilPosition(1)
  expect(tail.connections).toEqual([true])
})

// docs/decisions/0013
test.each(['killed', 'frozen'])(
  'while the server is %s everything waits, and all logs go on',
  async (how) => {
    await using nats = await startNats()
    const logs = await openLogs(await shareConnections(nats.url), 4)
    const tails = await tailAll(logs)
    await Promise.all(logs.map((log, at) => log.append(Buffer.from(`before ${at}`))))
    await (how === 'killed' ? nats.kill() : nats.pause())
    for (const tail of tails) await tail.untilConnected(false)
    await Promise.all(
      logs.map((log) =>
        expect(log.append(Buffer.from('lost'))).rejects.toMatchObject({ code: 'log_unavailable' }),
      ),
    )
    await (how === 'killed' ? nats.restart() : nats.resume())
    await Promise.all(logs.map((log, at) => appendUntilKnown(log, `after ${at}`)))
    for (const [at, tail] of tails.entries()) {
      await waitFor(() => tail.texts.includes(`after ${at}`), { what: `log ${at} to go on` })
      expect(tail.texts[0]).toBe(`before ${at}`)
      expect(tail.positions).toEqual(tail.positions.map((_, index) => index + 1))
      expect(tail.error).toBeUndefined()
    }
  },
)

test('many that catch up at once, in a process that is busy, are not cut off for it', async () => {
  await using nats = await startNats()
  const connections = await shareConnections(nats.url)
  const [recordBytes, records, count] = [256 * 1024, 100, 12]
  const logs = await openLogs(connections, count)
  for (const log of logs)
    for (let sent = 0; sent < records; sent += 20)
      await Promise.all(Array.from({ length: 20 }, () => log.append(new Uint8Array(recordBytes))))
  let cuts = 0
  connections.tailing.connection.watch((connected) => {
    if (!connected) cuts++
  })
  const positions = logs.map(() => 0)
  const tails = logs.map((log, at) =>
    log.tail(0, {
      record: ({ position }) => {
        positions[at] = position
        const until = performance.now() + 3
        while (performance.now() < until);
      },
      broken: (error) => {
        throw error
      },
    }),
  )
  await waitFor(() => positions.every((position) => position === records), {
    what: 'all to have caught up',
    timeoutMs: 50_000,
  })
  for (const tail of tails) await tail.stop()
  expect(cuts).toBe(0)
})
