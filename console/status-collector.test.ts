import { GridError } from '@spacegrid/grid/core/errors'
import { answerStatus } from '@spacegrid/grid/doors/admin/status-service'
import type { StatusSource } from '@spacegrid/grid/doors/admin/status-source'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { expect, test, vi } from 'vitest'
import { gridLooking } from './grid-looking.ts'
import { StatusCollector } from './status-collector.ts'

const log = { error: (_fields: object, message: string) => expect.unreachable(message) }
const sourceOf = (unit: string, reasons: readonly string[] = []): StatusSource => ({
  ...{ unit, role: 'processing-unit', notReady: () => reasons },
  spaces: () => ({ shop: { position: 7 } }),
})

test('hears of everybody who answers, and of whoever leaves in good order', async () => {
  const messaging = new InProcessMessaging(new SystemClock())
  const first = answerStatus(messaging, sourceOf('shop-1'), { log })
  answerStatus(messaging, sourceOf('shop-2', ['lagging']), { log })
  const collector = new StatusCollector(messaging, 'console1', () => performance.now())
  collector.start()
  expect(collector.processes()).toEqual([])
  await vi.waitFor(() => expect(collector.processes().length).toBe(2))
  expect(collector.processes()).toMatchObject([
    { unit: 'shop-1', ready: true, spaces: { shop: { position: 7 } } },
    { unit: 'shop-2', ready: false, reasons: ['lagging'] },
  ])
  await first.stop()
  await vi.waitFor(() =>
    expect(collector.processes()[0]).toMatchObject({ unit: 'shop-1', gone: true }),
  )
  await collector.stop()
  expect(collector.processes()).toEqual([])
})

test('is not impressed by words of strangers', async () => {
  const messaging = new InProcessMessaging(new SystemClock())
  const collector = new StatusCollector(messaging, 'console1', () => 0)
  collector.start()
  const say = (words: string) =>
    messaging.publish(subjects.toldStatus('console1'), Buffer.from(words))
  for (const words of ['', '{', 'null', '[]', '{"unit":1}', '{"unit":"a","role":"b","ready":true}'])
    say(words)
  say('{"unit":"a","role":"b","ready":true,"reasons":[{}],"wishes":[],"spaces":{}}')
  say('{"unit":"a","role":"b","ready":true,"reasons":[],"wishes":[],"spaces":{}}')
  await vi.waitFor(() => expect(collector.processes().map(({ unit }) => unit)).toEqual(['a']))
  for (let at = 0; at < 600; at++)
    say(`{"unit":"u${at}","role":"b","ready":true,"reasons":[],"wishes":[],"spaces":{}}`)
  await vi.waitFor(() => expect(collector.processes().length).toBe(500))
})

test('entries are looked for under names of spaces only', async () => {
  const looking = gridLooking(new InProcessMessaging(new SystemClock()))
  const asked = { space: 'shop.admin.>', offset: 0, limit: 1 }
  await expect(looking.look(asked)).rejects.toThrow(GridError)
})
