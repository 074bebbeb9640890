import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedStore } from '@spacegrid/grid/kit/simulated-store'
import { expect, test } from 'vitest'
import { serveArchive } from './archive-service.ts'

test('the archive answers what is stored, and nothing of the grid itself', async () => {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  const store = new SimulatedStore()
  const checkpoint = { position: 1, logIdentity: 'log', digest: '', entries: 1 }
  await store.apply('test', 0, { ...checkpoint, replicated: new Uint8Array() }, [
    { cache: 'items', key: 'k3', value: { id: 'k3', size: 3 }, version: 7, position: 1 },
  ])
  await serveArchive('test', store, messaging)
  const ask = async (request: unknown) => {
    const data = Buffer.from(JSON.stringify(request))
    const asked = messaging.request(subjects.archive('test'), data, { timeoutMs: 1000 })
    asked.catch(() => undefined)
    await clock.advance(10)
    return JSON.parse(Buffer.from((await asked).data).toString())
  }
  expect(await ask({ cache: 'items', key: 'k3' })).toEqual({
    value: { id: 'k3', size: 3 },
    version: 7,
    position: 1,
  })
  await expect(ask({ cache: 'items', key: 'gone' })).rejects.toMatchObject({ code: 'not_found' })
  for (const request of [{ cache: '_idempotency', key: 'x' }, { cache: 'items' }, null, 'x'])
    await expect(ask(request)).rejects.toMatchObject({ code: 'invalid_input' })
})
