import { cp, rename, rm } from 'node:fs/promises'
import { startNats } from '@spacegrid/proof/support/test-servers'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { connect, type JetStreamManager } from 'nats'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { isGridError } from '../../core/errors.ts'
import { JetStreamLog, type JetStreamLogOptions } from './jetstream-log.ts'
import { RecordedTail } from './recorded-tail.ts'

const opened: JetStreamLog[] = []
const stream = uniqueName('tail')

afterEach(async () => {
  await Promise.all(opened.splice(0).map((log) => log.close()))
})

async function open(
  natsUrl: string,
  name = stream,
  options: Partial<JetStreamLogOptions> = {},
): Promise<JetStreamLog> {
  const log = await JetStreamLog.open(natsUrl, {
    stream: name,
    subject: `${name}.log`,
    heartbeatMs: 100,
    appendTimeoutMs: 1000,
    ...options,
  })
  opened.push(log)
  return log
}

const bytes = (text: string) => new TextEncoder().encode(text)
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

async function withManager<T>(natsUrl: string, use: (manager: JetStreamManager) => Promise<T>) {
  const nats = await connect({ servers: natsUrl })
  try {
    return await use(await nats.jetstreamManager())
  } finally {
    await nats.close()
  }
}

/** Appends as a processing unit would: an unknown outcome is followed by the same bytes again. */
async function appendUntilKnown(log: JetStreamLog, text: string): Promise<number> {
  return await waitFor(
    () =>
      log.append(bytes(text)).catch((error: unknown) => {
        if (isGridError(error, 'log_unavailable')) return undefined
        throw error
      }),
    { what: `${text} to be appended`, timeoutMs: 30_000 },
  )
}

// architecture.md, invariant 8: the log is checked, not trusted
test('a log that came back without its end, and has grown again, is not followed', async () => {
  await using nats = await startNats()
  const log = await open(nats.url)
  for (const text of ['1', '2', '3']) await log.append(bytes(text))
  await nats.stop()
  const backup = `${nats.folder}-backup`
  await cp(nats.folder, backup, { recursive: true })
  await nats.restart()
  const tail = new RecordedTail(log, 0)
  for (const text of ['4', '5', '6']) await appendUntilKnown(log, text)
  await tail.untilPosition(6)
  await nats.kill()
  await rm(nats.folder, { recursive: true })
  await rename(backup, nats.folder)
  await nats.restart()
  // Sooner than the tail gives up on a log that is too short.
  const other = await open(nats.url)
  for (const text of ['4 again', '5 again', '6 again', '7']) await appendUntilKnown(other, text)
  await tail.untilBroken()
  expect(tail.error).toMatchObject({ code: 'log_replaced' })
  expect(tail.texts).toEqual(['1', '2', '3', '4', '5', '6'])
})

describe('a server that is killed and comes back', () => {
  /** So long that only the lost connection itself can be what is noticed. */
  const patient = { heartbeatMs: 60_000, appendTimeoutMs: 60_000 }

  // architecture.md, invariants 3 and 5: what was acknowledged is there, in one order, each
  // position once
  test('order and exactly-once delivery hold while records are appended', async () => {
    await using nats = await startNats()
    const log = await open(nats.url, stream, patient)
    const tail = new RecordedTail(log, 0)
    const acknowledged = new Map<number, string>()
    let stopping = false
    const writers = upTo(3).map(async (writer) => {
      for (let index = 0; !stopping; index += 1) {
        const text = `${writer}/${index}`
        acknowledged.set(await appendUntilKnown(log, text), text)
      }
    })
    for (let kill = 0; kill < 3; kill += 1) {
      const target = acknowledged.size + 50
      await waitFor(() => acknowledged.size >= target, { what: 'appends to go on' })
      await nats.kill()
      await tail.untilConnected(false)
      await nats.restart()
      await tail.untilConnected()
    }
    stopping = true
    await Promise.all(writers)
    const { last } = await log.bounds()
    await tail.untilPosition(last)

    expect(tail.positions).toEqual(upTo(last))
    for (const [position, text] of acknowledged) expect(tail.texts[position - 1]).toBe(text)
    const again = new RecordedTail(log, 0)
    await again.untilPosition(last)
    expect(again.texts).toEqual(tail.texts)
    expect(tail.error).toBeUndefined()
  })

  test('appends in flight end as log_unavailable at once, not when their time is over', async () => {
    await using nats = await startNats()
    const log = await open(nats.url, stream, patient)
    await nats.pause()
    const appends = upTo(3).map((index) => log.append(bytes(`${index}`)))
    const outcomes = Promise.allSettled(appends)
    await nats.kill()
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'log_unavailable' } })
    }
    await expect(log.append(bytes('x'))).rejects.toMatchObject({ code: 'log_unavailable' })
    await expect(log.bounds()).rejects.toMatchObject({ code: 'log_unavailable' })
  })

  test('a tail opened while it is away begins when it is back', async () => {
    await using nats = await startNats()
    const log = await open(nats.url, stream, patient)
    await log.append(bytes('1'))
    await log.append(bytes('2'))
    await nats.kill()
    const tail = new RecordedTail(log, 1)
    await tail.untilConnected(false)
    await nats.restart()
    await tail.untilPosition(2)
    expect(tail.texts).toEqual(['2'])
    expect(tail.connections).toEqual([false, true])
  })

  test('a tail that is stopped meanwhile stays silent', async () => {
    await using nats = await startNats()
    const log = await open(nats.url, stream, patient)
    await log.append(bytes('1'))
    const tail = new RecordedTail(log, 1)
    await tail.untilConnected()
    await nats.kill()
    await tail.untilConnected(false)
    await tail.stop()
    await nats.restart()
    await appendUntilKnown(log, '2')
    const witness = new RecordedTail(log, 1)
    await witness.untilPosition(2)
    expect(tail.records).toEqual([])
    expect(tail.connections).toEqual([true, false])
  })
})

describe('a server that freezes', () => {
  // architecture.md, NATS in practice: the defaults notice a dead consumer after half a minute
  test('is noticed by its missing heartbeats, and the tail goes on where it was', async () => {
    await using nats = await startNats()
    const log = await open(nats.url)
    const tail = new RecordedTail(log, 0)
    await log.append(bytes('1'))
    await tail.untilPosition(1)
    await nats.pause()
    const frozenAt = performance.now()
    const append = log.append(bytes('2'))
    await expect(append).rejects.toMatchObject({ code: 'log_unavailable' })
    await tail.untilConnected(false)
    expect(performance.now() - frozenAt).toBeLessThan(5000)
    await nats.resume()
    await tail.untilConnected()
    // "Unknown" means this: it is stored all the same, later.
    await tail.untilPosition(2)
    const position = await appendUntilKnown(log, '3')
    await tail.untilPosition(position)
    expect(tail.positions).toEqual(upTo(position))
    expect(tail.texts.slice(0, 3)).toEqual(['1', '2', '3'])
  })
})

const natsUrl = inject('natsUrl')

test('a process that is held up itself does not take its tail for dead', async () => {
  const log = await open(natsUrl, uniqueName())
  const tail = new RecordedTail(log, 0)
  await tail.untilConnected()
  for (const text of ['1', '2', '3', '4']) {
    // Several heartbeat intervals, in which nothing can be read.
    const busyUntil = performance.now() + 500
    while (performance.now() < busyUntil);
    await tail.untilPosition(await log.append(bytes(text)))
  }
  expect(tail.connections).toEqual([true])
})

describe('a stream that changes under a tail', () => {
  test('deleted and created again while idle: log_replaced', async () => {
    const name = uniqueName()
    const log = await open(natsUrl, name)
    const tail = new RecordedTail(log, 0)
    const idle = new RecordedTail(log, 0)
    await Promise.all([tail.untilConnected(), idle.untilConnected()])
    await idle.stop()
    await withManager(natsUrl, (manager) => manager.streams.delete(name))
    await tail.untilConnected(false)
    await open(natsUrl, name)
    expect(await tail.untilBroken()).toMatchObject({ code: 'log_replaced' })
    expect(idle.error).toBeUndefined()
  })

  test('created again with more records than before: log_replaced, and none of them is given', async () => {
    const name = uniqueName()
    const log = await open(natsUrl, name)
    await log.append(bytes('old'))
    const tail = new RecordedTail(log, 0)
    await tail.untilPosition(1)
    await withManager(natsUrl, (manager) => manager.streams.delete(name))
    const next = await open(natsUrl, name)
    for (const text of ['new 1', 'new 2', 'new 3']) await next.append(bytes(text))
    expect(await tail.untilBroken()).toMatchObject({ code: 'log_replaced' })
    expect(tail.texts).toEqual(['old'])
    // Whoever asks for the bounds again has been told of the new log, and may follow it.
    expect((await log.bounds()).last).toBe(3)
    const tailOfNew = new RecordedTail(log, 0)
    await tailOfNew.untilPosition(3)
    expect(tailOfNew.texts).toEqual(['new 1', 'new 2', 'new 3'])
  })

  test('a log that ends before the position: log_replaced', async () => {
    const log = await open(natsUrl, uniqueName())
    await log.append(bytes('1'))
    const tail = new RecordedTail(log, 2)
    expect(await tail.untilBroken()).toMatchObject({ code: 'log_replaced' })
    expect(tail.connections).toEqual([false])
  })

  test('trimmed beyond the next position: log_trimmed', async () => {
    const log = await open(natsUrl, uniqueName())
    for (const text of ['1', '2', '3']) await log.append(bytes(text))
    await log.trim(3)
    const tail = new RecordedTail(log, 1)
    expect(await tail.untilBroken()).toMatchObject({
      code: 'log_trimmed',
      details: { position: 2 },
    })
    const atTheEdge = new RecordedTail(log, 2)
    await atTheEdge.untilPosition(3)
    expect(tail.records).toEqual([])
  })

  test('trimmed to its end: a tail from before breaks, one at the end waits', async () => {
    const log = await open(natsUrl, uniqueName())
    for (const text of ['1', '2']) await log.append(bytes(text))
    await log.trim(3)
    const late = new RecordedTail(log, 0)
    const atTheEnd = new RecordedTail(log, 2)
    expect(await late.untilBroken()).toMatchObject({ code: 'log_trimmed' })
    await atTheEnd.untilConnected()
    await log.append(bytes('3'))
    await atTheEnd.untilPosition(3)
    expect(atTheEnd.texts).toEqual(['3'])
  })

  test('a record taken out of the middle: the tail breaks before it, and skips nothing', async () => {
    const name = uniqueName()
    const log = await open(natsUrl, name)
    for (const text of ['1', '2', '3']) await log.append(bytes(text))
    await withManager(natsUrl, (manager) => manager.streams.deleteMessage(name, 2))
    const tail = new RecordedTail(log, 0)
    expect(await tail.untilBroken()).toMatchObject({
      code: 'log_trimmed',
      details: { position: 2 },
    })
    expect(tail.texts).toEqual(['1'])
  })

  test('its consumer deleted: the tail makes another one and misses nothing', async () => {
    const name = uniqueName()
    const log = await open(natsUrl, name)
    const tail = new RecordedTail(log, 0)
    await log.append(bytes('1'))
    await tail.untilPosition(1)
    await withManager(natsUrl, async (manager) => {
      for (const consumer of await manager.consumers.list(name).next()) {
        await manager.consumers.delete(name, consumer.name)
      }
    })
    await log.append(bytes('2'))
    await tail.untilPosition(2)
    expect(tail.texts).toEqual(['1', '2'])
    expect(tail.connections).toEqual([true, false, true])
  })
})
