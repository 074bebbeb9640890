import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { expect, inject, onTestFinished, test } from 'vitest'
import { logNamesOf, spaceOf } from '../../core/log-name.ts'
import { streams, subjects } from '../../engine/wire/subjects.ts'
import { JetStreamPlace } from './jetstream-place.ts'
import { knownLogs } from './known-logs.ts'

async function makeStream(stream: string, subject: string): Promise<void> {
  const settings = { stream, subject, maxBytes: 1024 * 1024, name: 'test' }
  const place = await JetStreamPlace.open(inject('natsUrl'), settings)
  onTestFinished(() => place.close())
  await place.replace(undefined, 0)
}

test('partitions are found as such, in the order of their numbers', async () => {
  const space = uniqueName('divided').replaceAll(/[^A-Za-z0-9]/g, '')
  const names = logNamesOf(space, 11)
  for (const name of names) await makeStream(streams.log(name), subjects.log(name))
  const found = await knownLogs(inject('natsUrl'))
  expect(found.filter((name) => spaceOf(name) === space)).toEqual(names)
})

test('spaces are found by their logs; a change queue or a stranger is none', async () => {
  const [withLog, withQueue] = ['log', 'queue'].map((name) =>
    uniqueName(name).replaceAll(/[^A-Za-z0-9]/g, ''),
  ) as [string, string]
  await makeStream(streams.log(withLog), subjects.log(withLog))
  await makeStream(streams.changes(withQueue), subjects.changes(withQueue))
  await makeStream(`OTHER_${withQueue}_LOG`, `other.${withQueue}`)
  const found = await knownLogs(inject('natsUrl'))
  expect(found).toContain(withLog)
  expect(found.filter((name) => name.includes(withQueue))).toEqual([])
})

test('NATS that does not answer is told', async () => {
  await expect(knownLogs('nats://127.0.0.1:1')).rejects.toMatchObject({
    code: 'log_unavailable',
  })
})
