import { expect, test, vi } from 'vitest'
import { InProcessMessaging } from '../../drivers/embedded/in-process-messaging.ts'
import { SystemClock } from '../../drivers/system/system-clock.ts'
import type { Messaging } from '../../engine/ports/messaging.ts'
import { subjects } from '../../engine/wire/subjects.ts'
import { type ProcessTold, processTold, requestsOf } from './process-told.ts'
import { PrometheusTelemetry } from './prometheus-telemetry.ts'
import { answerStatus } from './status-service.ts'
import type { StatusSource } from './status-source.ts'

const latency = {
  ...{ name: 'spacegrid_command_seconds', help: '', labels: ['space', 'command', 'outcome'] },
  bounds: [0.001, 0.01],
}

test('requests are told by space, whatever they were called, and how they ended', async () => {
  const telemetry = new PrometheusTelemetry()
  const observe = (values: readonly string[], ...all: readonly number[]) => {
    for (const seconds of all) telemetry.distribution(latency, values).observe(seconds)
  }
  observe(['shop', 'buy', 'ok'], 0.0005, 0.002, 0.5)
  observe(['shop', 'sell', 'ok'], 0.002)
  observe(['shop', 'buy', 'overloaded'], 0.0001)
  observe(['depot', 'put', 'ok'], 0.002)
  const { shop, depot } = await requestsOf(telemetry)
  expect(shop?.commands).toEqual({
    ...{ bounds: [0.001, 0.01], counts: [2, 2, 1] },
    outcomes: { ok: 4, overloaded: 1 },
  })
  expect(shop?.queries.counts).toEqual([])
  expect(depot?.commands.outcomes).toEqual({ ok: 1 })
})

test('a status that is larger than a message is told in short', async () => {
  const messaging = new InProcessMessaging(new SystemClock())
  const small: Messaging = {
    ...{ messageBytesMax: 1000, request: () => expect.unreachable(), close: async () => undefined },
    ...{ respond: () => expect.unreachable(), serve: () => expect.unreachable() },
    publish: (subject, data) => messaging.publish(subject, data),
    subscribe: (subject, listener) => messaging.subscribe(subject, listener),
  }
  const source: StatusSource = {
    ...{ unit: 'shop-1', role: 'processing-unit', notReady: () => [] },
    spaces: () => ({ shop: { digest: 'x'.repeat(2000) } }),
  }
  const heard: ProcessTold[] = []
  messaging.subscribe(subjects.toldStatus('me'), ({ data }) => {
    heard.push(JSON.parse(Buffer.from(data).toString()) as ProcessTold)
  })
  const log = { error: (_: object, message: string) => expect.unreachable(message) }
  const answers = answerStatus(small, source, { log })
  for (const asker of ['not a name', '', 'me'])
    messaging.publish(subjects.askStatus, Buffer.from(asker))
  await vi.waitFor(() => expect(heard.length).toBe(1))
  expect(heard[0]).toMatchObject({
    unit: 'shop-1',
    spaces: {},
    wishes: [expect.stringContaining('larger')],
  })
  await answers.stop()
  await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ gone: true }))
})

test('what it says of the process is of this one', async () => {
  const source: StatusSource = {
    ...{ unit: 'a', role: 'data-pump', notReady: () => ['waits'], spaces: () => ({}) },
  }
  const { process: own, ready, reasons } = await processTold(source, undefined)
  expect(own?.pid).toBe(process.pid)
  expect([ready, reasons]).toEqual([false, ['waits']])
})
