import { describe, expect, onTestFinished, test } from 'vitest'
import { MemoryServing } from '../http/test-support/memory-serving.ts'
import { depot, shop } from '../http/test-support/shop-space.ts'
import { type AuditRequest, createAdminServer } from './admin-server.ts'
import { type StatusSource, statusOfUnits } from './status-source.ts'

function open(source: StatusSource) {
  const faults: object[] = []
  const app = createAdminServer(source, { log: { error: (fields) => faults.push(fields) } })
  onTestFinished(() => app.close())
  return { get: (url: string) => app.inject(url), faults }
}

const pump = (changes: Partial<StatusSource> = {}): StatusSource => ({
  unit: 'pump-1',
  role: 'data-pump',
  notReady: () => [],
  spaces: () => ({ shop: { position: 7, lag: 2 } }),
  ...changes,
})

test('with a token, who does not show it hears of health and nothing else', async () => {
  const token = 'of-those-who-operate-it'
  const reactions = async () => ({ done: true })
  const app = createAdminServer(pump(), { log: { error: () => undefined }, token, reactions })
  onTestFinished(() => app.close())
  const ask = async (url: string, authorization?: string, method: 'GET' | 'POST' = 'GET') => {
    const headers = authorization === undefined ? {} : { authorization }
    return await app.inject({ url, method, headers })
  }
  const asked = [
    '/status',
    '/metrics',
    '/audit',
    '/',
    '/health',
    '//health/live',
    '/status?x=/health/',
  ]
  for (const url of asked) {
    const refused = await ask(url)
    expect(refused.statusCode, url).toBe(401)
    expect(refused.json()).toMatchObject({ code: 'unauthenticated', error: { reason: 'missing' } })
    expect(refused.headers['www-authenticate']).toBe('Bearer')
  }
  for (const shown of ['Bearer ', 'Bearer wrong', `Basic ${token}`, token, `Bearer ${token}x`])
    for (const [url, method] of [
      ['/status', 'GET'],
      ['/reactions/shop', 'POST'],
    ] as const)
      expect((await ask(url, shown, method)).statusCode, `${url} ${shown}`).toBe(401)
  for (const url of ['/health/live', '/health/ready'])
    expect((await ask(url)).statusCode, url).toBe(200)
  for (const url of ['/status', '/metrics'])
    expect((await ask(url, `Bearer ${token}`)).statusCode, url).toBe(200)
  expect((await ask('/reactions/shop', `bearer ${token}`, 'POST')).json()).toEqual({ done: true })
})

describe('the administration door', () => {
  test('/health/live answers while the process turns, ready or not', async () => {
    const { get } = open(pump({ notReady: () => ['rehydrating'] }))
    expect((await get('/health/live')).statusCode).toBe(200)
  })

  test('/health/ready is 503 with the reasons, until there are none', async () => {
    const unit = new MemoryServing('shop-1', shop)
    const { get } = open(statusOfUnits('embedded', 'embedded', [unit]))
    unit.ready = { ready: false, reason: 'lags by 12,000 positions' }
    const refused = await get('/health/ready')
    expect(refused.statusCode).toBe(503)
    const reasons = ['shop-1 (space shop): lags by 12,000 positions']
    expect(refused.json()).toEqual({ ready: false, reasons })
    unit.ready = { ready: true }
    expect((await get('/health/ready')).statusCode).toBe(200)
  })

  test('/status names unit, role, readiness and every space', async () => {
    const units = [new MemoryServing('shop-1', shop), new MemoryServing('depot-1', depot)]
    const { get } = open(statusOfUnits('unit-1', 'processing-unit', units))
    const figures = {
      position: 1,
      lag: 0,
      entries: 0,
      bytes: 0,
      digest: '0123456789abcdef',
      digestPosition: 1,
      pending: 1,
      collisions: 2,
      commandsPerSecond: 3,
      clock: { differenceMs: 0, jumps: 3 },
    }
    expect((await get('/status')).json()).toEqual({
      unit: 'unit-1',
      role: 'processing-unit',
      ready: true,
      spaces: { shop: figures, depot: figures },
    })
  })

  test('/status of a component that knows less', async () => {
    const { get } = open(pump())
    expect((await get('/status')).json()).toMatchObject({
      spaces: { shop: { position: 7, lag: 2 } },
    })
  })

  test('/metrics has the figures per space and those of the process', async () => {
    const { get } = open(pump({ notReady: () => ['lagging'] }))
    const { headers, body } = await get('/metrics')
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    const lines = body.split('\n')
    expect(lines).toContain('spacegrid_position{space="shop",unit="pump-1",role="data-pump"} 7')
    expect(lines).toContain(
      'spacegrid_lag_positions{space="shop",unit="pump-1",role="data-pump"} 2',
    )
    expect(lines).toContain('spacegrid_ready{unit="pump-1",role="data-pump"} 0')
    expect(body).not.toContain('spacegrid_entries{')
    expect(body).toMatch(/^process_cpu_seconds_total\{/m)
  })

  test('/metrics counts collisions, and reads them anew each time', async () => {
    let collisions = 3
    const { get } = open(
      pump({ role: 'processing-unit', spaces: () => ({ shop: { collisions } }) }),
    )
    const counted = async () =>
      /^spacegrid_collisions_total\{.*\} (\d+)$/m.exec((await get('/metrics')).body)?.[1]
    expect(await counted()).toBe('3')
    collisions = 5
    expect(await counted()).toBe('5')
  })

  test('/metrics counts hot keys, and commands that were passed on to their homes', async () => {
    const passed = { answered: 12, elsewhere: 1, unknown: 2 }
    const affinity = { hotKeys: 3, keys: [], passed }
    const unit = pump({ role: 'processing-unit', spaces: () => ({ shop: { affinity } }) })
    const { body } = await open(unit).get('/metrics')
    expect(body).toMatch(/^spacegrid_hot_keys\{space="shop",.*\} 3$/m)
    for (const [outcome, count] of Object.entries(passed))
      expect(body).toMatch(
        new RegExp(
          `^spacegrid_hot_key_commands_total\\{.*outcome="${outcome}".*\\} ${count}$`,
          'm',
        ),
      )
  })

  test('/metrics tells how the clocks are', async () => {
    const clock = { differenceMs: -7500, jumps: 4 }
    const { body } = await open(pump({ spaces: () => ({ shop: { clock } }) })).get('/metrics')
    expect(body).toMatch(/^spacegrid_clock_difference_seconds\{space="shop",.*\} -7\.5$/m)
    expect(body).toMatch(/^spacegrid_clock_jumps_total\{space="shop",.*\} 4$/m)
  })

  test('a status that fails is answered with an id', async () => {
    const broken = () => {
      throw new Error('secret')
    }
    const { get, faults } = open(pump({ spaces: broken }))
    for (const url of ['/status', '/metrics']) {
      const answer = await get(url)
      expect(answer.statusCode).toBe(500)
      expect(answer.body).not.toContain('secret')
    }
    expect(faults).toHaveLength(2)
  })

  test('/audit is asked for some spaces or all, and refuses what is no number', async () => {
    const asked: AuditRequest[] = []
    const audit = async (request: AuditRequest) => {
      asked.push(request)
      return [{ space: 'shop' }]
    }
    const app = createAdminServer(pump(), { log: { error: () => undefined }, audit })
    onTestFinished(() => app.close())
    expect((await app.inject('/audit')).json()).toEqual({ reports: [{ space: 'shop' }] })
    await app.inject('/audit?space=shop&differences=0&wait=2')
    await app.inject('/audit?space=shop&space=depot')
    const all = { spaces: undefined, differencesMax: 20, waitMs: 30_000 }
    expect(asked).toEqual([
      all,
      { spaces: ['shop'], differencesMax: 0, waitMs: 2000 },
      { ...all, spaces: ['shop', 'depot'] },
    ])
    for (const wrong of ['differences=-1', 'differences=few', 'wait=1.5', 'wait=1&wait=2']) {
      const answer = await app.inject(`/audit?${wrong}`)
      expect(answer.statusCode, wrong).toBe(400)
      expect(answer.json(), wrong).toMatchObject({ code: 'invalid_input' })
    }
  })

  test('anything else is 404 and says what there is', async () => {
    const { get } = open(pump())
    expect((await get('/')).json()).toMatchObject({ status: 404, code: 'unknown_route' })
  })
})

describe('several units of one space', () => {
  test('show the state of the one behind and the work of all', () => {
    const ahead = new MemoryServing('shop-1', shop)
    const behind = new MemoryServing('shop-2', shop)
    ahead.grid.position = 9
    ahead.clockDifferenceMs = 3
    behind.clockDifferenceMs = -8000
    const { shop: figures } = statusOfUnits('embedded', 'embedded', [ahead, behind]).spaces()
    expect(figures).toMatchObject({ position: 1, pending: 2, collisions: 4, commandsPerSecond: 6 })
    expect(figures?.clock).toEqual({ differenceMs: -8000, jumps: 3 })
  })
})
