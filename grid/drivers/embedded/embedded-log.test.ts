import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeLogConformance, follow } from '../../kit/log-conformance.ts'
import { SystemClock } from '../system/system-clock.ts'
import { EmbeddedEnvironment } from './embedded-environment.ts'
import { EmbeddedLog, type EmbeddedLogOptions } from './embedded-log.ts'

const clock = new SystemClock()
const temporary = () => mkdtemp(join(tmpdir(), 'spacegrid-embedded-'))
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describeLogConformance('EmbeddedLog', async () => {
  const directory = await temporary()
  const environment = new EmbeddedEnvironment(directory)
  const recordBytesMax = 100_000
  const log = new EmbeddedLog(environment, 'log', clock, { recordBytesMax, bytesMax: 1_000_000 })
  return {
    log,
    fill: async () => {
      for (let room = true; room; )
        room = await log.append(new Uint8Array(recordBytesMax / 2)).then(
          () => true,
          () => false,
        )
    },
    close: async () => {
      await environment.close()
      await rm(directory, { recursive: true })
    },
  }
})

describe('an embedded log', () => {
  let directory: string
  let environment: EmbeddedEnvironment
  const open = (options: EmbeddedLogOptions = {}) =>
    new EmbeddedLog(environment, 'log', clock, options)
  const reopen = async (options: EmbeddedLogOptions = {}) => {
    await environment.close()
    environment = new EmbeddedEnvironment(directory)
    return open(options)
  }

  beforeEach(async () => {
    directory = await temporary()
    environment = new EmbeddedEnvironment(directory)
  })
  afterEach(async () => {
    await environment.close()
    await rm(directory, { recursive: true })
  })

  test('is the same log when it is opened again, trimmed to its end or not', async () => {
    let log = open()
    await Promise.all(['a', 'b', 'c'].map((text) => log.append(bytes(text))))
    await log.trim(2)
    const bounds = await log.bounds()
    log = await reopen()
    expect(await log.bounds()).toEqual(bounds)
    await log.trim(4)
    log = await reopen()
    expect(await log.bounds()).toEqual({ ...bounds, first: 4, last: 3, bytes: 0 })
    expect(await log.append(bytes('d'))).toBe(4)
    expect(await follow(log, 3).reached(4)).toEqual(['d'])
  })

  test('another log has another identity', async () => {
    const other = new EmbeddedLog(environment, 'other', clock)
    expect((await open().bounds()).identity).not.toBe((await other.bounds()).identity)
  })

  test('a record keeps its time, and its bytes whatever the caller does with them afterwards', async () => {
    const log = open()
    const before = clock.now()
    const data = bytes('as it was')
    await log.append(data)
    data.fill(0)
    const record = await log.read(1)
    expect(record?.data).toEqual(bytes('as it was'))
    expect(record?.time).toBeGreaterThanOrEqual(before)
    expect((await (await reopen()).read(1))?.time).toBe(record?.time)
  })

  // architecture.md, invariant 7
  test('is full at its limit, counts on when it is opened again, and has room once it is trimmed', async () => {
    const options = { bytesMax: 10_000 }
    let log = open(options)
    const append = () => log.append(new Uint8Array(1000))
    for (let number = 0; number < 9; number++) await append()
    await expect(append()).rejects.toMatchObject({ code: 'log_full' })
    log = await reopen(options)
    await expect(append()).rejects.toMatchObject({ code: 'log_full' })
    await log.trim(5)
    log = await reopen(options)
    for (let number = 0; number < 4; number++) await append()
    await expect(append()).rejects.toMatchObject({ code: 'log_full' })
  })

  test('refuses appends while the disk has less room than must stay free', async () => {
    const log = open({ freeBytesMin: Number.MAX_SAFE_INTEGER })
    await expect(log.append(bytes('a'))).rejects.toMatchObject({ code: 'log_full' })
  })

  test('tails that are far behind leave the event loop free, and see everything', async () => {
    const log = open()
    const records = 10_000
    await Promise.all(Array.from({ length: records }, (_, at) => log.append(bytes(`${at}`))))
    let turns = 0
    const counting = setInterval(() => turns++, 1)
    const tails = [follow(log, 0), follow(log, records / 2)]
    for (let at = 0; at < 100; at++) await log.append(bytes('more'))
    await Promise.all(tails.map((tail) => tail.reached(records + 100)))
    clearInterval(counting)
    expect(turns).toBeGreaterThan(1)
    await Promise.all(tails.map((tail) => tail.stop()))
  })

  test('trimming far goes on while records are appended', async () => {
    const log = open()
    await Promise.all(Array.from({ length: 5000 }, (_, at) => log.append(bytes(`${at}`))))
    const [, position] = await Promise.all([log.trim(4000), log.append(bytes('during'))])
    expect(await log.bounds()).toMatchObject({ first: 4000, last: position })
    expect(await log.read(3999)).toBeUndefined()
  })

  test('once closed, appends are refused and what was under way is kept', async () => {
    const log = open()
    const underWay = log.append(bytes('a'))
    await log.close()
    expect(await underWay).toBe(1)
    await expect(log.append(bytes('b'))).rejects.toMatchObject({ code: 'log_unavailable' })
    expect((await open().bounds()).last).toBe(1)
  })
})

/** Its monotonic time goes on by what a test says that something took. */
class WorkClock extends SystemClock {
  workedMs = 0

  override monotonic(): number {
    return super.monotonic() + this.workedMs
  }
}

test('replicas of one process meld a large record one behind the other, and others have their turn in between', async () => {
  const directory = await temporary()
  const environment = new EmbeddedEnvironment(directory)
  const working = new WorkClock()
  const log = new EmbeddedLog(environment, 'log', working)
  const tails = 6
  const records = 3
  let phase = 0
  const deliveries: number[] = []
  let counting = true
  const count = () => {
    phase++
    if (counting) setImmediate(count)
  }
  setImmediate(count)
  const following = Array.from({ length: tails }, () =>
    log.tail(0, {
      record: () => {
        working.workedMs += 300
        deliveries.push(phase)
      },
      broken: (error) => expect.fail(error.message),
    }),
  )
  for (let at = 0; at < records; at++) await log.append(bytes(`${at}`))
  await expect.poll(() => deliveries.length).toBe(tails * records)
  counting = false
  // At most one as the record becomes durable, and one in the round of turns that follows it.
  const perPhase = Map.groupBy(deliveries, (at) => at)
  expect(Math.max(...[...perPhase.values()].map((all) => all.length))).toBeLessThanOrEqual(2)
  for (const tail of following) await tail.stop()
  await environment.close()
  await rm(directory, { recursive: true })
})
