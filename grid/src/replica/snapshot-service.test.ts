import { expect, test } from 'vitest'
import { InProcessMessaging } from '../adapters/embedded/in-process-messaging.ts'
import { SeededRandom } from '../adapters/simulated/seeded-random.ts'
import { SimulatedClock } from '../adapters/simulated/simulated-clock.ts'
import { sleep } from '../ports/clock.ts'
import { messagePack } from '../records/message-pack.ts'
import type { SnapshotChunk } from '../records/snapshot-codec.ts'
import { SnapshotService } from './snapshot-service.ts'

test('a piece that is asked for twice at once is read once, and given to both', async () => {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  let pieces = 0
  const next = async (): Promise<SnapshotChunk> => {
    await sleep(clock, 5)
    const key = `key ${++pieces}`
    const change = { cache: 'items', key, value: { key }, version: 1, position: 1 }
    return { shape: undefined, changes: [change], end: undefined }
  }
  const service = new SnapshotService(
    messaging,
    clock,
    new SeededRandom(1),
    () => ({ next, close: () => undefined }),
    { space: 'test', subject: 'snapshot', sessionsMax: 1 },
  )
  await service.start()
  const ask = async (subject: string, what: unknown) => {
    const asked = messaging.request(subject, messagePack.pack(what), { timeoutMs: 1000 })
    return (await asked).data
  }
  const opening = ask('snapshot', null)
  await clock.advance(10)
  const session = messagePack.unpack(await opening) as string
  const asking = [ask(session, 1), ask(session, 1)]
  await clock.advance(20)
  const [first, again] = await Promise.all(asking)
  expect(again).toEqual(first)
  expect(pieces).toBe(1)
  await service.stop()
})
