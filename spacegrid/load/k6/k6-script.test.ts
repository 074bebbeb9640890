import { expect, test } from 'vitest'
import { profiles } from '../profiles.ts'
import { k6Script } from './k6-script.ts'

const options = {
  ...{ url: new URL('http://127.0.0.1:8080/'), runId: '1-abc', headers: {}, users: undefined },
  ...{ seats: 400, events: 2, hot: 0.3, browse: 0.3, specific: 0.2, confirm: 0.7 },
  ...{ thinkSeconds: 1, drainSeconds: 30, timeoutMs: 10_000, openMax: 2048 },
}
const shape = { peak: 100, speedup: 1, durationSeconds: 20, trace: undefined }

const planOf = (script: string) =>
  JSON.parse(/const plan = (\{.*?\n\})\n/s.exec(script)?.[1] ?? 'null')

test('the script has the plan in it, with the rates of the curve', async () => {
  const curve = profiles.spike({ ...shape, rate: 10.5 })
  const plan = planOf(await k6Script(curve, options))
  expect(plan).toMatchObject({
    ...{ url: 'http://127.0.0.1:8080', eventIds: ['load-1-abc-0', 'load-1-abc-1'] },
    ...{ browse: 0.3, timeUnit: '60s', startRate: 630 },
  })
  expect(plan.stages).toEqual([
    { duration: '6000ms', target: 630 },
    { duration: '1000ms', target: 6000 },
    { duration: '6000ms', target: 6000 },
    { duration: '1000ms', target: 630 },
    { duration: '6000ms', target: 630 },
  ])
})

test('a rate that jumps does so at once', async () => {
  const curve = profiles.trace({ ...shape, peak: 5, rate: 0, durationSeconds: 2, trace: [3, 5] })
  expect(planOf(await k6Script(curve, options)).stages).toEqual([
    { duration: '1000ms', target: 180 },
    { duration: '0s', target: 300 },
    { duration: '1000ms', target: 300 },
  ])
})
