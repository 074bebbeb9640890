import { expect, test } from 'vitest'
import { GridError } from '../../core/errors.ts'
import { FrameKind } from '../../core/frame.ts'
import { SpaceState } from '../../core/space-state.ts'
import { SimulatedClock } from '../../kit/simulated-clock.ts'
import { SimulatedLog } from '../../kit/simulated-log.ts'
import { SimulatedStream } from '../../kit/simulated-stream.ts'
import type { Log } from '../ports/log.ts'
import type { Metric, Telemetry } from '../ports/telemetry.ts'
import { Replica } from '../replica/replica.ts'
import { encodeFrame } from '../wire/frame-codec.ts'
import { MeldTelemetry, meldDelayMetric, meldMetric } from './meld-telemetry.ts'
import { logAppendMetric, ObservedLog } from './observed-log.ts'

/** Everything that was observed, by the name of the metric and its labels. */
class Observations implements Telemetry {
  readonly seen = new Map<string, number[]>()

  count(): { add(): void } {
    return { add: () => undefined }
  }

  distribution({ name }: Metric, values: readonly string[]) {
    const key = [name, ...values].join(' ')
    return { observe: (value: number) => this.#of(key).push(value) }
  }

  #of(key: string): number[] {
    const values = this.seen.get(key) ?? []
    this.seen.set(key, values)
    return values
  }
}

test('how long an append takes is told by its outcome, and the outcome is the caller’s', async () => {
  const clock = new SimulatedClock()
  const telemetry = new Observations()
  let room = 1
  const log = {
    append: async () => {
      await clock.advance(20)
      if (room-- === 0) throw new GridError('log_full', 'full')
      return 7
    },
  } as unknown as Log
  const observed = new ObservedLog(log, clock, telemetry, logAppendMetric, 'shop')
  expect(await observed.append(new Uint8Array(1))).toBe(7)
  await expect(observed.append(new Uint8Array(1))).rejects.toMatchObject({ code: 'log_full' })
  await Promise.resolve()
  expect(Object.fromEntries(telemetry.seen)).toEqual({
    [`${logAppendMetric.name} shop ok`]: [0.02],
    [`${logAppendMetric.name} shop log_full`]: [0.02],
  })
})

test('each frame that is melded is observed, with its age by the log’s time', async () => {
  const clock = new SimulatedClock()
  const stream = new SimulatedStream(clock)
  const telemetry = new Observations()
  const replica = new Replica(new SimulatedLog(clock, stream), new SpaceState())
  new MeldTelemetry(telemetry, clock, 'shop', () => clock.now() + 250).follow(replica)
  replica.start()
  await clock.advance(10)
  for (const nonce of [1, 2])
    stream.append(encodeFrame({ kind: FrameKind.join, unit: 'unit', nonce }))
  stream.append(new Uint8Array([1, 2, 3]))
  await clock.advance(10)
  expect(replica.state.position).toBe(3)
  expect(telemetry.seen.get(`${meldMetric.name} shop`)).toHaveLength(2)
  const ages = telemetry.seen.get(`${meldDelayMetric.name} shop`) ?? []
  expect(ages).toHaveLength(2)
  for (const age of ages) expect(age).toBeGreaterThanOrEqual(0.25)
  await replica.stop()
})
