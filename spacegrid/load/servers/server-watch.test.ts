import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { metricIn } from './process-sample.ts'
import { ServerWatch } from './server-watch.ts'

interface Told {
  shed: number
  collisions: number
  processorSeconds: number
  mute: boolean
}

/** An administration port whose figures the test moves. */
async function administration(told: Told): Promise<string> {
  const server = createServer((request, response) => {
    if (told.mute) return response.writeHead(500).end()
    const load = {
      ...{ limit: 64, queueingDelayMs: 7 },
      shed: [{ reason: 'queue', priority: 'begin', count: told.shed }],
      queries: { waiting: 0, shed: 1, costly: [] },
    }
    const shop = { lag: 2, pending: 3, collisions: told.collisions, commandsPerSecond: 40, load }
    const quiet = { lag: 1, pending: 0, collisions: 1, commandsPerSecond: 2 }
    const status = { unit: 'shop-1', role: 'processing-unit', spaces: { shop, quiet } }
    const metrics = `# HELP process_cpu_seconds_total x\nprocess_cpu_seconds_total{unit="shop-1"} ${told.processorSeconds}\nnodejs_eventloop_lag_p99_seconds{unit="shop-1",role="r"} 0.0125\nprocess_resident_memory_bytes 1048576\n`
    return response.end(request.url === '/status' ? JSON.stringify(status) : metrics)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('processes are asked again and again; what only grows is told by its growth', async () => {
  const told: Told = { shed: 10, collisions: 5, processorSeconds: 1, mute: false }
  const admin = await administration(told)
  let asked = 0
  const watch = new ServerWatch({
    processes: async () => [{ name: 'shop-1', admin }],
    // Two seconds pass with each look at the clock: three looks for each question.
    now: () => 2000 * asked++,
    intervalMs: 1,
  })
  watch.start()
  await vi.waitFor(() => expect(asked).toBeGreaterThan(6))
  told.shed = 100_000
  told.collisions = 100_000
  told.processorSeconds = 1000
  const before = asked
  await vi.waitFor(() => expect(asked).toBeGreaterThan(before + 6))
  told.mute = true
  const last = asked
  await vi.waitFor(() => expect(asked).toBeGreaterThan(last + 6))
  const { processes, note } = await watch.stop()
  expect(note).toBeUndefined()
  const [process] = processes
  expect(process).toMatchObject({ name: 'shop-1', role: 'processing-unit' })
  expect(process?.unanswered).toBeGreaterThan(0)
  const [first, ...others] = process?.samples ?? []
  expect(first).toMatchObject({
    ...{ queueingDelayMs: 7, limit: 64, pending: 3, commandsPerSecond: 42, lag: 3 },
    ...{ eventLoopMs: 12.5, residentBytes: 1_048_576 },
  })
  expect(first).not.toHaveProperty('shedPerSecond')
  const grown = others.filter(({ shedPerSecond = 0 }) => shedPerSecond > 0)
  expect(grown).toHaveLength(1)
  expect(grown[0]?.collisionsPerSecond).toBeGreaterThan(0)
  expect(grown[0]?.processors).toBeGreaterThan(0)
})

test('it says why there is nothing', async () => {
  const watch = (admin?: string) =>
    new ServerWatch({
      processes: async () => (admin ? [{ name: 'shop-1', admin }] : []),
      now: () => performance.now(),
    })
  const nobody = watch()
  nobody.start()
  expect(await nobody.stop()).toEqual({
    processes: [],
    note: expect.stringContaining('--status'),
  })
  const silent = watch('http://127.0.0.1:1')
  silent.start()
  await vi.waitFor(async () => expect((await silent.stop()).note).toContain('http://127.0.0.1:1'))
})

test('a metric is read by its whole name', () => {
  const text = 'a_total 1\nb{unit="x"} 2\nb_total 3e-2\nnan Nan\n'
  expect(metricIn(text, 'a_total')).toBe(1)
  expect(metricIn(text, 'b_total')).toBe(0.03)
  expect(metricIn(text, 'total')).toBeUndefined()
  expect(metricIn(text, 'b')).toBe(2)
  expect(metricIn(text, 'nan')).toBeUndefined()
})
