import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { expect, inject, onTestFinished, test } from 'vitest'
import { JetStreamPlace } from './jetstream-place.ts'

async function openPlace() {
  const stream = uniqueName('PLACE').replaceAll(/[^A-Za-z0-9_]/g, '')
  const settings = { stream, subject: `place.${stream}`, maxBytes: 4 * 1024 * 1024 }
  const place = await JetStreamPlace.open(inject('natsUrl'), { ...settings, name: 'test' })
  onTestFinished(() => place.close())
  return place
}

// architecture.md, invariant 8: what stands in a lost log's place is another one, and gives no
// position a second time
test('a new log goes on behind the old one, under another identity', async () => {
  const place = await openPlace()
  expect(await place.look()).toBeUndefined()
  const log = await place.open()
  onTestFinished(() => log.close())
  for (const text of ['1', '2', '3']) await log.append(Buffer.from(text))
  const old = await place.look()
  expect(old).toMatchObject({ first: 1, last: 3 })
  const made = await place.replace(old, 1000)
  expect(made).toMatchObject({ first: 1001, last: 1000 })
  expect(made.identity).not.toBe(old?.identity)
  expect(await place.look()).toEqual(made)
  // A pump that knew the old one's end is fenced.
  await expect(log.append(Buffer.from('late'), { expectedLast: 3 })).rejects.toMatchObject({
    code: 'fenced',
  })
  expect(await log.append(Buffer.from('next'), { expectedLast: 1000 })).toBe(1001)
  expect(await log.bounds()).toMatchObject({ first: 1001, last: 1001 })
})

test('a log that has changed since it was looked at is not replaced', async () => {
  const place = await openPlace()
  await expect(place.replace({ identity: 'another', first: 1, last: 0 }, 10)).rejects.toMatchObject(
    { code: 'fenced' },
  )
  const made = await place.replace(undefined, 10)
  const log = await place.open()
  onTestFinished(() => log.close())
  await log.append(Buffer.from('11'))
  await expect(place.replace(made, 20)).rejects.toMatchObject({ code: 'fenced' })
  await expect(place.replace(undefined, 20)).rejects.toMatchObject({ code: 'fenced' })
})
