import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { encodePresence } from '@spacegrid/grid/engine/placement/presence-message'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { expect, test } from 'vitest'
import { hearPlacement } from './heard-placement.ts'
import { placementText } from './placement-text.ts'

const member = {
  ...{ role: 'unit', zone: undefined, weight: 1, full: false, stopping: false, gone: false },
  ...{ count: 1, partitions: 3, copies: 2 },
}

async function heard(...told: Parameters<typeof encodePresence>[0][]) {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  const hearing = hearPlacement('shop', messaging, clock)
  for (const one of told) messaging.publish(subjects.presence('shop'), encodePresence(one))
  await clock.advance(1500)
  return await hearing
}

test('who keeps what, and what is missing, in words', async () => {
  const placement = await heard(
    {
      ...member,
      ...{ id: 1, name: 'one', zone: 'a', full: true },
      keeps: new Map([
        [0, 'ready'],
        [2, 'joining'],
      ]),
    },
    { ...member, id: 2, name: 'two', keeps: new Map([[0, 'ready' as const]]) },
    { ...member, id: 3, name: 'gone', gone: true, keeps: new Map() },
  )
  const text = placementText(placement!)
  expect(text).toMatch(/^shop: 3 partitions, 2 copies of each, 2 units\n/)
  expect(text).toMatch(/one +a +\d +1 +\+2 +memory full\n/)
  expect(text).toMatch(/two +- +\d +1 +-\n/)
  expect(text).toMatch(/\n0 +(one +two|two +one)\n1 +nobody +-\n2 +nobody +-\n/)
  expect(text).toContain('Nobody keeps 1, 2 ready: requests for them fail.')
  expect(text).toContain('Fewer copies than there should be: 1, 2.')
  expect(text).toContain('On their way into memory: 1 copy.')
  expect(text).toContain('No room for 1 copy: more units are wanted.')
})

test('all is well, and nobody is there', async () => {
  const keeps = new Map([0, 1, 2].map((at) => [at, 'ready' as const]))
  const placement = await heard({ ...member, id: 1, name: 'one', keeps })
  expect(placementText(placement!)).toContain('Everything is kept as often as it should be.')
  expect(await heard()).toBeUndefined()
})

test('query units are told apart from those that take commands, and so is what they lack', async () => {
  const everything = new Map([0, 1, 2].map((at) => [at, 'ready' as const]))
  const queries = { ...member, role: 'query-unit', copies: 1 }
  const first = { ...member, copies: 1, id: 1, name: 'one', keeps: everything }
  const reader = { ...queries, id: 2, name: 'reader', keeps: new Map([[1, 'ready' as const]]) }
  const lacking = await heard(first, reader)
  const text = placementText(lacking!)
  expect(text).toMatch(/^shop: 3 partitions, 1 copy of each, 1 unit, 1 query unit\n/)
  expect(text).toMatch(/one +- +3 +3 +-\n/)
  expect(text).toMatch(/reader +- +queries +1 +-\n/)
  expect(text).toMatch(/\n0 +one +- +-\n1 +one +- +reader\n2 +one +- +-\n/)
  expect(text).toContain('Fewer copies for queries than there should be: 0, 2.')
  expect(text).not.toContain('Fewer copies than there should be')

  const whole = placementText((await heard(first, { ...reader, keeps: everything }))!)
  expect(whole).toContain('Everything is kept as often as it should be.')
  const alone = placementText((await heard({ ...reader, keeps: everything }))!)
  expect(alone).toContain('Nobody keeps 0, 1, 2 ready: commands for them fail.')
})
