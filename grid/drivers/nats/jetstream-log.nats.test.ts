import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { connect } from 'nats'
import { afterEach, describe, expect, inject, test } from 'vitest'
import type { LogRecord } from '../../engine/ports/log.ts'
import { JetStreamLog, type JetStreamLogOptions } from './jetstream-log.ts'
import { RecordedTail } from './recorded-tail.ts'

const natsUrl = inject('natsUrl')
const opened: JetStreamLog[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((log) => log.close()))
})

const newSettings = () => {
  const name = uniqueName()
  return { stream: `SPACE_${name}_LOG`, subject: `spacegrid.${name}.log` }
}

async function open(options: Partial<JetStreamLogOptions> = {}): Promise<JetStreamLog> {
  const log = await JetStreamLog.open(natsUrl, { ...newSettings(), ...options })
  opened.push(log)
  return log
}

const bytes = (text: string) => new TextEncoder().encode(text)
const textOf = (record: LogRecord | undefined) => record && Buffer.from(record.data).toString()

test('a record tells those who follow which traces it belongs to, and most belong to none', async () => {
  const log = await open()
  const tail = new RecordedTail(log, 0)
  const traces = ['1', '2'].map((digit) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`)
  await log.append(bytes('none'))
  await log.append(bytes('two'), { traces })
  await log.append(bytes('fenced'), { expectedLast: 2, traces: traces.slice(0, 1) })
  await log.append(bytes('strange'), { traces: ['no trace', traces[1] ?? ''] })
  await tail.untilPosition(4)
  expect(tail.texts).toEqual(['none', 'two', 'fenced', 'strange'])
  expect(tail.records.map((record) => record.traces)).toEqual([
    undefined,
    traces,
    traces.slice(0, 1),
    traces.slice(1),
  ])
  await tail.stop()
})

describe('append, bounds and read', () => {
  test('positions are consecutive from 1, and every record can be read', async () => {
    const log = await open()
    expect(await log.bounds()).toMatchObject({ first: 1, last: 0 })
    const before = Date.now()
    expect(await log.append(bytes('one'))).toBe(1)
    expect(await Promise.all([log.append(bytes('two')), log.append(bytes('three'))])).toEqual([
      2, 3,
    ])
    expect(await log.bounds()).toMatchObject({ first: 1, last: 3 })
    const second = await log.read(2)
    expect(textOf(second)).toBe('two')
    expect(second?.time).toBeGreaterThanOrEqual(before - 1)
    expect(second?.time).toBeLessThanOrEqual(Date.now() + 1)
    expect(await log.read(0)).toBeUndefined()
    expect(await log.read(4)).toBeUndefined()
  })

  test('a log is not created beside one that holds the same in another way', async () => {
    const name = uniqueName('rival')
    const whole = { stream: `SPACE_${name}_LOG`, subject: `spacegrid.${name}.log` }
    const part = { stream: `SPACE_${name}-7_LOG`, subject: `spacegrid.${name}.7.log` }
    const several = { subject: `spacegrid.${name}.*.log`, is: 'it has several partitions there' }
    await open({ ...part, rivals: { subject: whole.subject, is: 'never' } })
    await expect(open({ ...whole, rivals: several })).rejects.toMatchObject({
      code: 'configuration_invalid',
      message: `Stream ${whole.stream} is not created while there is ${part.stream}: it has several partitions there`,
    })
    // One that is there stays in use: whoever moves a space has both for a while.
    await open(whole)
    await open({ ...whole, rivals: several })
  })

  test('a log opened twice at once is one log', async () => {
    const settings = newSettings()
    const [one, other] = await Promise.all([open(settings), open(settings)])
    expect(await one.append(bytes('a'))).toBe(1)
    expect(await other.append(bytes('b'))).toBe(2)
    expect((await one.bounds()).identity).toBe((await other.bounds()).identity)
  })

  test('a record of the largest size fits, a larger one is record_too_large', async () => {
    const log = await open()
    const tail = new RecordedTail(log, 0)
    expect(await log.append(new Uint8Array(log.recordBytesMax), { expectedLast: 0 })).toBe(1)
    await expect(log.append(new Uint8Array(log.recordBytesMax + 1))).rejects.toMatchObject({
      code: 'record_too_large',
      details: { bytesMax: log.recordBytesMax },
    })
    await tail.untilPosition(1)
    expect(tail.records[0]?.data.length).toBe(log.recordBytesMax)
    expect((await log.read(1))?.data.length).toBe(log.recordBytesMax)
  })

  // architecture.md, data pump: only one pump can append
  test('append with an expected last position is fenced when another one was faster', async () => {
    const settings = newSettings()
    const [one, other] = await Promise.all([open(settings), open(settings)])
    expect(await one.append(bytes('a'), { expectedLast: 0 })).toBe(1)
    await expect(other.append(bytes('b'), { expectedLast: 0 })).rejects.toMatchObject({
      code: 'fenced',
    })
    expect((await one.bounds()).last).toBe(1)
    // One after the other without waiting: each names the position the one before will have.
    const chain = [1, 2, 3].map((expectedLast) => one.append(bytes('c'), { expectedLast }))
    expect(await Promise.all(chain)).toEqual([2, 3, 4])
  })

  test('an append that is under way when the log is closed has an unknown outcome', async () => {
    const log = await open()
    const append = log.append(bytes('last words'))
    await Promise.all([
      expect(append).rejects.toMatchObject({ code: 'log_unavailable' }),
      log.close(),
    ])
    await expect(log.append(bytes('too late'))).rejects.toMatchObject({ code: 'log_unavailable' })
  })

  test('an append to a stream that is gone is log_unavailable, not a new stream', async () => {
    const settings = newSettings()
    const log = await open(settings)
    const nats = await connect({ servers: natsUrl })
    const manager = await nats.jetstreamManager()
    await manager.streams.delete(settings.stream)
    await expect(log.append(bytes('x'))).rejects.toMatchObject({ code: 'log_unavailable' })
    await expect(log.bounds()).rejects.toMatchObject({ code: 'log_unavailable' })
    await expect(manager.streams.info(settings.stream)).rejects.toThrow('stream not found')
    await nats.close()
  })
})

describe('a full log', () => {
  // architecture.md, invariant 7 and failure table: at the limit a clear error, nothing dropped,
  // resumes when there is room
  test('refuses with log_full, keeps what it has, and takes records again once trimmed', async () => {
    const log = await open({ maxBytes: 64 * 1024 })
    const record = new Uint8Array(8 * 1024)
    let stored = 0
    for (;;) {
      const error = await log.append(record).then(
        (position) => {
          stored = position
        },
        (reason: unknown) => reason,
      )
      if (error === undefined) continue
      expect(error).toMatchObject({ code: 'log_full', status: 507 })
      break
    }
    expect(stored).toBeGreaterThan(4)
    expect(await log.bounds()).toMatchObject({ first: 1, last: stored })
    await log.trim(4)
    expect(await log.append(record)).toBe(stored + 1)
  })

  test('a server that has no room for a stream says so when the log is opened', async () => {
    const maxBytes = Number.MAX_SAFE_INTEGER
    await expect(
      open({ maxBytes, sizedBy: 'CHANGES_BYTES_MAX', openTimeoutMs: 300 }),
    ).rejects.toMatchObject({
      code: 'configuration_invalid',
      message: expect.stringMatching(
        /^NATS has no room for stream \S+: CHANGES_BYTES_MAX=9007199254740991 is more than max_file_store leaves, where its streams take \d+ bytes; set CHANGES_BYTES_MAX lower, or give NATS more \(.*insufficient storage resources available\)$/,
      ),
    })
  })
})

describe('trim', () => {
  test('drops what is below the position and nothing else, any number of times', async () => {
    const log = await open()
    for (const text of ['a', 'b', 'c']) await log.append(bytes(text))
    for (const position of [0, 1, 3, 3, 2]) await log.trim(position)
    expect(await log.bounds()).toMatchObject({ first: 3, last: 3 })
    expect(await log.read(2)).toBeUndefined()
    expect(textOf(await log.read(3))).toBe('c')
  })

  test('past the end empties the log and leaves no position out', async () => {
    const log = await open()
    await log.append(bytes('a'))
    await log.append(bytes('b'))
    await log.trim(100)
    expect(await log.bounds()).toMatchObject({ first: 3, last: 2 })
    await log.trim(0)
    expect(await log.append(bytes('c'))).toBe(3)
  })

  test('does not disturb a tail that has everything', async () => {
    const log = await open({ heartbeatMs: 100 })
    const tail = new RecordedTail(log, 0)
    await tail.untilConnected()
    for (let position = 1; position <= 30; position += 1) {
      await log.append(bytes(`${position}`))
      await tail.untilPosition(position)
      await log.trim(position % 3 === 0 ? position + 1 : position)
    }
    expect(tail.positions).toEqual(Array.from({ length: 30 }, (_, index) => index + 1))
    expect(tail.connections).toEqual([true])
    expect(tail.error).toBeUndefined()
  })
})

describe('tail', () => {
  test('gives every record once, in order, with its time, to each of several tails', async () => {
    const log = await open()
    for (const text of ['1', '2', '3']) await log.append(bytes(text))
    const one = new RecordedTail(log, 0)
    const other = new RecordedTail(log, 2)
    await Promise.all([one.untilConnected(), other.untilConnected()])
    for (const text of ['', '5']) await log.append(bytes(text))
    await Promise.all([one.untilPosition(5), other.untilPosition(5)])
    expect(one.texts).toEqual(['1', '2', '3', '', '5'])
    expect(one.positions).toEqual([1, 2, 3, 4, 5])
    expect(other.positions).toEqual([3, 4, 5])
    for (const record of one.records) {
      expect(record.time).toBe((await log.read(record.position))?.time)
    }
  })

  test('catches up over more than the window of flow control', async () => {
    const log = await open()
    const record = new Uint8Array(900_000)
    const count = 60
    for (let index = 0; index < count; index += 4) {
      await Promise.all(Array.from({ length: 4 }, () => log.append(record)))
    }
    const tail = new RecordedTail(log, 0)
    await tail.untilPosition(count)
    expect(tail.positions).toEqual(Array.from({ length: count }, (_, index) => index + 1))
    expect(tail.records.every(({ data }) => data.length === record.length)).toBe(true)
    expect(tail.connections).toEqual([true])
    await log.trim(count + 1)
  })

  test('says nothing more once it is stopped, and leaves no consumer behind', async () => {
    const settings = newSettings()
    const log = await open(settings)
    const tail = new RecordedTail(log, 0)
    const other = new RecordedTail(log, 0)
    await Promise.all([tail.untilConnected(), other.untilConnected()])
    await tail.stop()
    await log.append(bytes('unheard'))
    await other.untilPosition(1)
    expect(tail.records).toEqual([])
    expect(tail.connections).toEqual([true])
    const nats = await connect({ servers: natsUrl })
    const manager = await nats.jetstreamManager()
    await expect
      .poll(async () => (await manager.streams.info(settings.stream)).state.consumer_count)
      .toBe(1)
    await nats.close()
  })

  test('stops at once even before it has started', async () => {
    const log = await open()
    const tail = new RecordedTail(log, 0)
    await tail.stop()
    await log.append(bytes('unheard'))
    const later = new RecordedTail(log, 0)
    await later.untilPosition(1)
    expect(tail.records).toEqual([])
    expect(tail.connections).toEqual([])
  })
})

describe('open', () => {
  test('refuses a stream that would lose records by itself, and says why', async () => {
    const settings = newSettings()
    const nats = await connect({ servers: natsUrl })
    const manager = await nats.jetstreamManager()
    await manager.streams.add({ name: settings.stream, subjects: [settings.subject] })
    await expect(open(settings)).rejects.toMatchObject({
      code: 'configuration_invalid',
      message: expect.stringMatching(
        /^Stream \S+ cannot serve as a log: discard is old, it must be new$/,
      ),
    })
    await nats.close()
  })

  test('refuses a subject that another stream stores', async () => {
    const { subject } = newSettings()
    await open({ subject })
    await expect(open({ subject })).rejects.toMatchObject({ code: 'configuration_invalid' })
  })

  test('accepts a stream whose size an operator has changed', async () => {
    const settings = newSettings()
    await open({ ...settings, maxBytes: 1024 * 1024 })
    const again = await open({ ...settings, maxBytes: 2 * 1024 * 1024 })
    expect(await again.append(bytes('a'))).toBe(1)
  })
})
