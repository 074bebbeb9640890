import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import type { Member } from '@spacegrid/grid/engine/placement/member'
import { expect, onTestFinished, test } from 'vitest'
import { PassedRequests } from './passed-requests.ts'
import { Passing } from './passing.ts'

const member: Member = {
  ...{ id: 7, name: 'other', role: 'unit', zone: undefined, weight: 1 },
  ...{ full: false, stopping: false, keeps: new Map([[3, 'ready']]) },
}

test('who has given a partition up says so: another one is to be asked', async () => {
  const clock = new SystemClock()
  const messaging = new InProcessMessaging(clock)
  const requests = new PassedRequests(messaging, clock, () => undefined)
  requests.start('divided', member.id)
  onTestFinished(async () => {
    await requests.stop()
    await messaging.close()
  })
  const passing = new Passing('divided', messaging, clock)
  const request = { kind: 'query', partition: 3, name: 'count', input: { id: 'a' } } as const
  expect(await passing.pass(member, request, 1000)).toEqual({ kind: 'elsewhere' })
})
