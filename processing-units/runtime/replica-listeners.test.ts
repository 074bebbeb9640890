import { FrameKind } from '@spacegrid/grid/core/frame'
import { SpaceState } from '@spacegrid/grid/core/space-state'
import { Replica } from '@spacegrid/grid/engine/replica/replica'
import { encodeFrame } from '@spacegrid/grid/engine/wire/frame-codec'
import { SimulatedClock } from '@spacegrid/grid/kit/simulated-clock'
import { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { expect, test } from 'vitest'

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
