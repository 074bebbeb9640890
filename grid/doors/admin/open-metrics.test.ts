import { expect, onTestFinished, test } from 'vitest'
import { createAdminServer } from './admin-server.ts'
import { PrometheusTelemetry } from './prometheus-telemetry.ts'

const width = { name: 'width_metres', help: 'How "wide"', labels: ['colour'], bounds: [1] }
const cats = { name: 'cats_total', help: 'Cats', labels: [] }
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const prometheusAccepts =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'

function open() {
  const telemetry = new PrometheusTelemetry()
  const source = { unit: 'u', role: 'r', notReady: () => [], spaces: () => ({}) }
  const app = createAdminServer(source, { log: { error: () => undefined }, telemetry })
  onTestFinished(() => app.close())
  const get = (accept: string) => app.inject({ url: '/metrics', headers: { accept } })
  return { telemetry, get }
}

test('who accepts OpenMetrics gets it, with an exemplar where something was in a trace', async () => {
  const { telemetry, get } = open()
  const red = telemetry.distribution(width, ['red'])
  red.observe(0.5)
  red.observe(4, traceId)
  telemetry.count(cats, []).add(3)
  const { headers, body } = await get(prometheusAccepts)
  expect(headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
  const lines = body.split('\n')
  expect(lines).toContain('# HELP width_metres How \\"wide\\"')
  expect(lines).toContain('# TYPE cats counter')
  expect(lines).toContain('cats_total{unit="u",role="r"} 3')
  expect(lines).toContain('width_metres_bucket{unit="u",role="r",colour="red",le="1"} 1')
  expect(body).toMatch(
    /^width_metres_bucket\{.*le="\+Inf"\} 2 # \{trace_id="4bf92f3577b34da6a3ce929d0e0e4736"\} 4 \d+\.\d{3}$/m,
  )
  expect(body.endsWith('\n# EOF\n')).toBe(true)
})

test('everybody else gets the text of Prometheus, whoever has asked before', async () => {
  const { telemetry, get } = open()
  telemetry.count(cats, []).add()
  telemetry.distribution(width, ['red']).observe(4, traceId)
  for (const accept of [prometheusAccepts, '*/*', 'text/plain', 'text/html']) {
    const { headers, body } = await get(accept)
    if (accept === prometheusAccepts) continue
    expect(headers['content-type'], accept).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(body, accept).toMatch(/^cats_total\{.*\} 1$/m)
    expect(body, accept).toMatch(/^process_cpu_seconds_total\{/m)
    expect(body, accept).not.toContain(traceId)
  }
})
