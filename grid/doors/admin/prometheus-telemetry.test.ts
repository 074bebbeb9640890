import { describe, expect, onTestFinished, test } from 'vitest'
import { openDoor } from '../http/test-support/open-door.ts'
import { RequestPipeline } from '../request/request-pipeline.ts'
import { createAdminServer } from './admin-server.ts'
import { PrometheusTelemetry } from './prometheus-telemetry.ts'

const width = {
  name: 'width_metres',
  help: 'How wide they are',
  labels: ['colour'],
  bounds: [1, 2.5],
}

describe('what is observed', () => {
  test('is in the buckets up to whose bound it reaches, with their sum and number', async () => {
    const telemetry = new PrometheusTelemetry()
    const red = telemetry.distribution(width, ['red'])
    for (const metres of [0.5, 1, 2.5, 4]) red.observe(metres)
    telemetry.distribution(width, ['blue'])
    expect(await telemetry.registry.metrics()).toBe(
      [
        '# HELP width_metres How wide they are',
        '# TYPE width_metres histogram',
        'width_metres_bucket{colour="red",le="1"} 2',
        'width_metres_bucket{colour="red",le="2.5"} 3',
        'width_metres_bucket{colour="red",le="+Inf"} 4',
        'width_metres_sum{colour="red"} 8',
        'width_metres_count{colour="red"} 4',
        'width_metres_bucket{colour="blue",le="1"} 0',
        'width_metres_bucket{colour="blue",le="2.5"} 0',
        'width_metres_bucket{colour="blue",le="+Inf"} 0',
        'width_metres_sum{colour="blue"} 0',
        'width_metres_count{colour="blue"} 0',
        '',
      ].join('\n'),
    )
  })

  test('is one series, whoever asks for it', async () => {
    const telemetry = new PrometheusTelemetry()
    const cats = { name: 'cats_total', help: 'Cats', labels: [] }
    telemetry.count(cats, []).add()
    telemetry.count(cats, []).add()
    expect(await telemetry.registry.metrics()).toMatch(/^cats_total 2$/m)
  })

  test('has a value for each label', () => {
    const telemetry = new PrometheusTelemetry()
    expect(() => telemetry.distribution(width, [])).toThrow(/colour/)
  })
})

test('/metrics has how long requests took, by name and outcome, and their door', async () => {
  const telemetry = new PrometheusTelemetry()
  let ms = 0
  const pipeline = new RequestPipeline({ telemetry, monotonic: () => (ms += 20) })
  const door = openDoor({ pipeline })
  const source = { unit: 'u', role: 'r', notReady: () => [], spaces: () => ({}) }
  const admin = createAdminServer(source, { log: { error: () => {} }, telemetry })
  onTestFinished(() => admin.close())
  await door.command('putProduct', { id: 'a', price: 1 })
  await door.command('putProduct', { id: 'a' })
  await door.command('putProduct', '{')
  await door.get('/shop/queries/product?id=a')
  await door.get('/shop/caches/products/a')
  const lines = (await admin.inject('/metrics')).body.split('\n')
  const of = (name: string, labels: string, value: number) =>
    expect(lines).toContain(`spacegrid_${name}{space="shop",${labels},unit="u",role="r"} ${value}`)
  of('command_seconds_bucket', 'command="putProduct",outcome="ok",le="0.01"', 0)
  of('command_seconds_bucket', 'command="putProduct",outcome="ok",le="0.025"', 1)
  of('command_seconds_sum', 'command="putProduct",outcome="ok"', 0.02)
  of('command_seconds_count', 'command="putProduct",outcome="invalid_input"', 1)
  of('command_seconds_count', 'command="putProduct",outcome="invalid_json"', 1)
  of('query_seconds_count', 'query="product",outcome="ok"', 1)
  of('entry_seconds_count', 'cache="products",outcome="ok"', 1)
  of('requests_total', 'door="http"', 5)
})
