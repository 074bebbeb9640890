import { expect, onTestFinished, test } from 'vitest'
import type { LoadStatus } from '../request/load-status.ts'
import { createAdminServer } from './admin-server.ts'

const load: LoadStatus = {
  limit: 640,
  queueingDelayMs: 21,
  shed: [
    { reason: 'queue', priority: 'begin', count: 17 },
    { reason: 'share', priority: 'browse', count: 4 },
  ],
  queries: { waiting: 3, shed: 9, costly: [{ query: 'seatMap', ms: 80 }] },
}

test('what is taken and what is turned away is in the status and in the metrics', async () => {
  const source = {
    ...{ unit: 'unit', role: 'processing-unit', notReady: () => [] },
    spaces: () => ({ shop: { load } }),
  }
  const app = createAdminServer(source, { log: { error: () => undefined } })
  onTestFinished(() => app.close())
  const get = async (url: string) => (await app.inject({ method: 'GET', url })).body
  expect(JSON.parse(await get('/status'))).toMatchObject({ spaces: { shop: { load } } })
  const lines = (await get('/metrics')).replaceAll('unit="unit",role="processing-unit"', '…')
  for (const line of [
    'spacegrid_commands_limit{space="shop",…} 640',
    'spacegrid_queries_waiting{space="shop",…} 3',
    'spacegrid_queries_shed_total{space="shop",…} 9',
    'spacegrid_commands_shed_total{space="shop",reason="queue",priority="begin",…} 17',
    'spacegrid_commands_shed_total{space="shop",reason="share",priority="browse",…} 4',
  ])
    expect(lines).toContain(line)
})
