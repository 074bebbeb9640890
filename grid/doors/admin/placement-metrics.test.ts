import { expect, onTestFinished, test } from 'vitest'
import type { PlacementStatus } from '../../engine/placement/placement-status.ts'
import { createAdminServer } from './admin-server.ts'
import type { StatusSource } from './status-source.ts'

const member = (name: string, ready: readonly number[], full = false) => ({
  ...{ name, zone: null, weight: 1, full, stopping: false, ready, joining: [], leaving: [] },
})

const placement: PlacementStatus = {
  ...{ partitions: 3, copies: 2, homes: ['one', null, 'two'], moving: 4, scarce: [1], missing: 2 },
  members: [member('one', [0, 2], true), member('two', [2])],
  passed: { answered: 7, elsewhere: 1, unknown: 0 },
}

function serve(told: PlacementStatus) {
  const source: StatusSource = {
    unit: 'unit',
    role: 'processing-unit',
    notReady: () => [],
    spaces: () => ({
      'shop.0': { position: 3, passed: { answered: 0, elsewhere: 0, unknown: 3 } },
    }),
    placement: () => ({ shop: told }),
  }
  const app = createAdminServer(source, { log: { error: () => undefined } })
  onTestFinished(() => app.close())
  return async (url: string) => (await app.inject({ method: 'GET', url })).body
}

test('who keeps what is in the status and in the metrics', async () => {
  const get = serve(placement)
  expect(JSON.parse(await get('/status'))).toMatchObject({
    spaces: { 'shop.0': { position: 3 } },
    placement: { shop: placement },
  })
  const lines = (await get('/metrics')).replaceAll('unit="unit",role="processing-unit"', '…')
  for (const line of [
    'spacegrid_placement_members{space="shop",…} 2',
    'spacegrid_placement_moving{space="shop",…} 4',
    'spacegrid_placement_homeless_partitions{space="shop",…} 1',
    'spacegrid_placement_missing_copies{space="shop",…} 2',
    'spacegrid_placement_full_members{space="shop",…} 1',
    'spacegrid_placement_copies{space="shop",partition="2",…} 2',
    'spacegrid_placement_copies{space="shop",partition="1",…} 0',
    'spacegrid_passed_requests_total{space="shop",outcome="answered",…} 7',
  ])
    expect(lines).toContain(line)
})

test('the grid says that it wants more units, before anything runs out', async () => {
  expect(JSON.parse(await serve(placement)('/health/ready'))).toEqual({
    ready: true,
    wishes: ['space shop wants more processing units: 2 copies of its partitions have no room'],
  })
  const near = { ...placement, missing: 0 }
  expect(JSON.parse(await serve(near)('/health/ready'))).toMatchObject({
    wishes: ['space shop wants more processing units: 1 of 2 units are near their memory budget'],
  })
  const roomy = { ...near, members: [member('one', [0, 1, 2])] }
  expect(JSON.parse(await serve(roomy)('/health/ready'))).toEqual({ ready: true })
})

test('what query units keep is told apart, and passed commands beside passed requests', async () => {
  const members = [member('reader', [0])]
  const queryUnits = { copies: 1, members, moving: 5, scarce: [1, 2], missing: 2 }
  const get = serve({ ...placement, missing: 0, members: [], queryUnits })
  const lines = (await get('/metrics')).replaceAll('unit="unit",role="processing-unit"', '…')
  for (const line of [
    'spacegrid_placement_query_members{space="shop",…} 1',
    'spacegrid_placement_query_moving{space="shop",…} 5',
    'spacegrid_placement_query_scarce_partitions{space="shop",…} 2',
    'spacegrid_placement_query_missing_copies{space="shop",…} 2',
    'spacegrid_placement_members{space="shop",…} 0',
    'spacegrid_passed_requests_total{space="shop.0",outcome="unknown",…} 3',
  ])
    expect(lines).toContain(line)
  expect(JSON.parse(await get('/health/ready'))).toMatchObject({
    wishes: ['space shop wants more query units: 2 copies of its partitions have no room'],
  })
})
