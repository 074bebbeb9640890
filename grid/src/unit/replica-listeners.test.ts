import { expect, test } from 'vitest'
import { SimulatedClock } from '../adapters/simulated/simulated-clock.ts'
import { SimulatedLog } from '../adapters/simulated/simulated-log.ts'
import { encodeFrame } from '../records/frame-codec.ts'
import { Replica } from '../replica/replica.ts'
import { FrameKind } from '../space/frame.ts'
import { SpaceState } from '../space/space-state.ts'

test('a listener that goes while it is being told something does not make others miss it', async () => {
  const clock = new SimulatedClock()
  const log = new SimulatedLog(clock)
  const replica = new Replica(log, new SpaceState())
  const told: string[] = []
  const stop = replica.listen({
    melded: () => {
      told.push('first')
      stop()
    },
  })
  replica.listen({ melded: () => told.push('second') })
  replica.start()
  for (const nonce of [1, 2])
    log.stream.append(encodeFrame({ kind: FrameKind.join, unit: 'other', nonce }))
  await clock.advance(1)
  expect(told).toEqual(['first', 'second', 'second'])
  await replica.stop()
})
