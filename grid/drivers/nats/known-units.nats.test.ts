import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { expect, inject, onTestFinished, test } from 'vitest'
import { KnownUnits } from './known-units.ts'
import { NatsMessaging } from './nats-messaging.ts'

test('units say where they are, one by one, with all their spaces', async () => {
  const [one, other] = [uniqueName('one'), uniqueName('other')]
  const serve = async (space: string, metadata?: Record<string, string>) => {
    const messaging = await NatsMessaging.open(inject('natsUrl'), { name: 'test' })
    onTestFinished(() => messaging.close())
    const service = { name: `spacegrid-${space}`, version: '0.0.0', endpoints: [] }
    await messaging.serve({ ...service, ...(metadata ? { metadata } : {}) })
  }
  const of = (unit: string, port: number) => ({
    unit,
    role: 'unit',
    http: `http://127.0.0.1:${port}`,
    admin: `http://127.0.0.1:${port + 1}`,
  })
  await serve('shop', of(one, 1000))
  await serve('bank', of(one, 1000))
  await serve('bank-7', of(one, 1000))
  const { admin: _, ...withoutAdmin } = of(other, 2000)
  await serve('shop', withoutAdmin)
  // Of another version: it does not say where it is.
  await serve('shop')
  const units = await KnownUnits.open(inject('natsUrl'))
  onTestFinished(() => units.close())
  const known = (await units.ask()).filter(({ unit }) => unit === one || unit === other)
  expect(known).toEqual([
    { ...of(one, 1000), spaces: expect.toSatisfy((it) => it.toSorted().join() === 'bank,shop') },
    { ...withoutAdmin, admin: undefined, spaces: ['shop'] },
  ])
})

test('NATS that does not answer is told', async () => {
  await expect(KnownUnits.open('nats://127.0.0.1:1')).rejects.toMatchObject({
    code: 'log_unavailable',
  })
})
