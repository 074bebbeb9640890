import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { encodePersisted } from '@spacegrid/grid/engine/wire/persisted'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { expect, test } from 'vitest'
import { PersistenceWatch } from './persistence-watch.ts'

// architecture.md, "a processing unit never reports a level that has not been reached"
test('a position of the log that has taken the place of a lost one persists nothing of the lost one', async () => {
  const clock = new SimulatedClock()
  const messaging = new InProcessMessaging(clock)
  let reached = 12
  const watch = new PersistenceWatch('s', messaging, clock, 30_000, () => reached)
  const tell = async (position: number) => {
    messaging.publish(subjects.persisted('s'), encodePersisted(position))
    await clock.advance(10)
  }
  const outcomes: string[] = []
  const wait = (position: number) =>
    void watch.reach(position).then(
      () => outcomes.push(`${position} persisted`),
      ({ code }) => outcomes.push(`${position} ${code}`),
    )
  wait(10)
  wait(12)
  await tell(11)
  expect(outcomes).toEqual(['10 persisted'])
  await tell(200_000_000)
  expect(outcomes).toHaveLength(1)
  watch.logReplaced()
  await clock.advance(10)
  expect(outcomes).toEqual(['10 persisted', '12 outcome_unknown'])
  reached = 200_000_001
  wait(200_000_001)
  await tell(200_000_001)
  expect(outcomes.at(-1)).toBe('200000001 persisted')
  await watch.stop()
})
