import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { type FakeFaults, FakeTicketing } from 'spacegrid/load/fake-ticketing'
import type { LoadSummary } from 'spacegrid/load/summary'
import { spacegridProgram } from 'spacegrid/own-program'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

interface LoadResult {
  readonly exitCode: number | null
  readonly text: string
  readonly summary: LoadSummary
}

let folder: string
const servers: FakeTicketing[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spacegrid-load-'))
})

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  await rm(folder, { recursive: true })
})

async function fake(faults: FakeFaults = {}): Promise<{ server: FakeTicketing; url: string }> {
  const server = new FakeTicketing(faults)
  servers.push(server)
  return { server, url: await server.start() }
}

/**
 * Runs the load generator as a user would, with short thinking and enough seats unless told
 * otherwise.
 */
const load = (...argv: string[]): Promise<LoadResult> => loadUntil(new Promise(() => {}), ...argv)

/** The same, and interrupts it as Ctrl-C does once the promise is fulfilled. */
async function loadUntil(interruption: Promise<unknown>, ...argv: string[]): Promise<LoadResult> {
  const json = join(folder, `${uniqueName('summary')}.json`)
  const defaults = ['--think', '0.1', '--rate', '60', '--duration', '2', '--seats', '400']
  const child = spawn(
    process.execPath,
    [spacegridProgram, 'load', ...defaults, '--json', json, '--timeout', '5', ...argv],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  void interruption.then(() => child.kill('SIGINT'))
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  const [exitCode] = (await once(child, 'close')) as [number | null]
  const summary = JSON.parse(await readFile(json, 'utf8').catch(() => 'null')) as LoadSummary
  await rm(json, { force: true })
  return { exitCode, text, summary }
}

const failedChecks = ({ summary }: LoadResult): string[] =>
  summary.audit.checks.filter(({ passed }) => !passed).map(({ promise }) => promise)

// At once: each waits for its own users, at a grid of its own.
describe('spacegrid load', { timeout: 60_000, concurrent: true }, () => {
  it('sells seats, accounts for every request, writes its reports and passes the audit', async () => {
    const { server, url } = await fake()
    const report = join(folder, 'report.html')
    const result = await load('--url', url, '--report', report)
    expect(result.text).toContain('Audit passed.')
    expect(result.exitCode).toBe(0)
    const { total, arrivals, operations, seconds } = result.summary
    expect(arrivals).toBeGreaterThan(70)
    expect(total.offered).toBe(total.admitted + total.shed + total.failed)
    expect(total).toMatchObject({ shed: 0, failed: 0 })
    expect(operations.confirmHold?.admitted).toBeGreaterThan(10)
    expect(seconds.reduce((sum, { offered }) => sum + offered, 0)).toBe(total.offered)
    expect(await readFile(report, 'utf8')).toContain('Audit passed.')
    const commands = server.requests.filter(({ method }) => method === 'POST')
    expect(new Set(commands.map(({ key }) => key)).size).toBe(commands.length)
  })

  it('is an open loop: a stall of the grid shows in every request that was due meanwhile', async () => {
    const { server, url } = await fake()
    const running = load('--url', url, '--rate', '100', '--duration', '3', '--browse', '1')
    await expect.poll(() => server.requests.length, { timeout: 20_000 }).toBeGreaterThan(50)
    server.faults.stalledUntil = performance.now() + 1000
    const { summary } = await running
    // Some 100 of 300 arrivals fell into the stall and waited half of it on average; a generator
    // that waited for answers would have sent few of them and shown one slow request each.
    expect(summary.arrivals).toBeGreaterThan(240)
    expect(summary.latencyMs.p90).toBeGreaterThan(400)
    expect(summary.latencyMs.max).toBeGreaterThan(900)
  })

  it('does the same with the same seed', async () => {
    const first = await fake()
    const second = await fake()
    const argv = ['--duration', '1', '--specific', '0', '--seed', '11']
    const [one, two] = [
      await load('--url', first.url, ...argv),
      await load('--url', second.url, ...argv),
    ]
    const offered = ({ summary }: LoadResult) =>
      Object.entries(summary.operations).map(([name, operation]) => [name, operation.offered])
    expect(new Map(offered(one) as [string, number][])).toEqual(
      new Map(offered(two) as [string, number][]),
    )
  })

  it('retries what was shed, with the same key, and counts what stayed shed', async () => {
    const { server, url } = await fake({ shedEveryNth: 2 })
    const patient = await load('--url', url, '--retries', '9', '--retry-budget', '0')
    expect(patient.exitCode).toBe(0)
    expect(patient.summary.attempts).toBeGreaterThan(patient.summary.total.offered * 1.3)
    const keys = server.requests.flatMap(({ key }) => key ?? [])
    expect(new Set(keys).size).toBeLessThan(keys.length)
    const other = await fake({ shedEveryNth: 2 })
    const impatient = await load('--url', other.url)
    expect(impatient.summary.total.shed).toBeGreaterThan(10)
    expect(impatient.exitCode).toBe(0)
  })

  it('keeps to thresholds, and says how it differs from an earlier run', async () => {
    const earlier = join(folder, 'earlier.json')
    const { url } = await fake()
    const held = await load(
      ...['--url', url, '--duration', '9', '--json', earlier, '--threshold', 'failed=0'],
      ...['--threshold', 'confirmHold:max<60s', '--status', url],
    )
    expect(held.text).toContain('  ok    threshold failed=0: 0')
    expect(held.exitCode).toBe(0)
    // Nobody tells how the fake is: it has no such port.
    expect(held.text).toContain('No answer from')
    expect(held.text).toMatch(/planned {3}540 users, started \d+/)
    const other = await fake({ shedEveryNth: 5 })
    const result = await load(
      ...['--url', other.url, '--duration', '9', '--compare', earlier],
      ...['--threshold', 'shed<1%', '--threshold', 'failed=0'],
    )
    expect(result.text).toContain('FAILED  threshold shed<1%: ')
    expect(result.text).toContain('  ok    threshold failed=0: 0')
    expect(result.text).toContain('Audit passed.')
    expect(result.exitCode).toBe(1)
    const { comparison, thresholds } = result.summary
    expect(thresholds.map(({ passed }) => passed)).toEqual([false, true])
    expect(comparison?.otherPlan).toEqual([])
    expect(comparison?.shares[0]).toMatchObject({ operation: 'all', outcome: 'shed', earlier: 0 })
    const ofAll = comparison?.latencies.filter(({ operation }) => operation === 'all') ?? []
    expect(ofAll).toHaveLength(3)
    expect(ofAll.map(({ verdict }) => verdict)).not.toContain('unsure')
    expect(result.text).toMatch(/all p50 +[\d.]+ ms before, [\d.]+ ms now: [\d.]+ times/)
  })

  it('spreads users over several events with a hot one, and audits them all', async () => {
    const { url } = await fake({ loseEveryNthAnswer: 5 })
    const argv = ['--events', '5', '--hot', '0.6', '--seats', '100', '--rate', '100']
    const result = await load('--url', url, ...argv)
    expect(failedChecks(result)).toEqual([])
    expect(result.exitCode).toBe(0)
    const seats = result.summary.audit.checks.find(({ promise }) => /all its seats/.test(promise))
    expect(seats?.detail).toBe('500 seats')
    expect(result.summary.operations.confirmHold?.admitted).toBeGreaterThan(10)
  })

  it('looks through all pages of a customer’s orders', async () => {
    const { url } = await fake({ sellRefused: true, ordersPerPage: 2 })
    const argv = ['--users', '2', '--events', '3', '--browse', '0']
    const { summary } = await load('--url', url, ...argv)
    const refused = summary.audit.checks.find(({ promise }) => /refused/.test(promise))
    expect(refused?.passed).toBe(false)
    const more = Number(/and (\d+) more/.exec(refused?.detail ?? '')?.[1])
    // Offenders that are named, and the rest: every confirmation sold what it refused.
    expect(more + 5).toBe(summary.operations.confirmHold?.rejected)
  })

  it('finds out what became of a confirmation whose answer was lost', async () => {
    const { url } = await fake({ loseEveryNthAnswer: 3 })
    const result = await load('--url', url)
    expect(result.summary.total.failed).toBeGreaterThan(5)
    expect(failedChecks(result)).toEqual([])
    expect(result.exitCode).toBe(0)
  })

  it('counts arrivals above its own limit as failed, and drops none', async () => {
    const { server, url } = await fake()
    const running = load('--url', url, '--max-open', '5', '--browse', '1', '--rate', '100')
    await expect.poll(() => server.requests.length, { timeout: 20_000 }).toBeGreaterThan(20)
    server.faults.stalledUntil = performance.now() + 700
    const { summary } = await running
    expect(summary.reasons['failed: client saturated']).toBeGreaterThan(20)
    expect(summary.total.offered).toBe(summary.arrivals)
    expect(summary.total.failed + summary.total.admitted).toBe(summary.total.offered)
  })

  it('audits what there is when it is interrupted', async () => {
    const { server, url } = await fake()
    const sold = expect.poll(() => server.requests.length, { timeout: 20_000 }).toBeGreaterThan(60)
    const result = await loadUntil(sold, '--url', url, '--duration', '60')
    expect(result.summary.interrupted).toBe(true)
    expect(result.summary.seconds.length).toBeLessThan(20)
    expect(result.text).toContain('Audit passed.')
    expect(result.exitCode).toBe(0)
  })

  it('ends in time when the grid never answers', async () => {
    const { server, url } = await fake()
    const running = load('--url', url, '--drain', '1', '--duration', '1', '--timeout', '2')
    await expect.poll(() => server.requests.length, { timeout: 20_000 }).toBeGreaterThan(10)
    server.faults.stalledUntil = performance.now() + 4000
    const { summary } = await running
    expect(summary.reasons['failed: unanswered at the end']).toBeGreaterThan(5)
    expect(summary.total.offered).toBe(summary.total.admitted + summary.total.failed)
  })

  it.each([
    [{ loseOrders: true }, 'every acknowledged order is there, with its seats'],
    [{ sellTwice: true }, 'no seat sold twice'],
    [{ sellRefused: true }, 'nothing that was refused is there'],
  ] satisfies [FakeFaults, string][])(
    'exits with 1 when the grid does %j',
    async (faults, promise) => {
      const { url } = await fake(faults)
      const result = await load('--url', url, '--duration', '1')
      expect(failedChecks(result)).toContain(promise)
      expect(result.text).toContain('Audit FAILED.')
      expect(result.exitCode).toBe(1)
    },
  )

  it('replays a trace', async () => {
    const { url } = await fake()
    const trace = join(folder, 'trace.csv')
    await writeFile(trace, 'second,requests\n0,10\n1,200\n2,10\n')
    const argv = ['--profile', 'trace', '--trace', trace, '--speedup', '2', '--duration', '60']
    const { summary, exitCode } = await load('--url', url, ...argv)
    expect(exitCode).toBe(0)
    expect(summary.scheduledSeconds).toBe(1.5)
    expect(summary.arrivals).toBeGreaterThan(170)
    expect(summary.arrivals).toBeLessThan(270)
  })

  it('says in one line what is wrong, with exit code 2', async () => {
    const missing = await load('--profile', 'trace', '--trace', join(folder, 'missing.csv'))
    expect(missing.exitCode).toBe(2)
    expect(missing.text).toMatch(/^error: --trace .*missing\.csv: ENOENT.*\n$/)
    const compared = join(folder, 'no-run.json')
    await writeFile(compared, '{"seconds": 1}')
    const noRun = await load('--compare', compared)
    expect(noRun.exitCode).toBe(2)
    expect(noRun.text).toMatch(/^error: --compare .*no-run\.json: this is not what --json .*\n$/)
    const many = await load('--rate', '1000', '--max-arrivals', '100')
    expect(many).toMatchObject({
      exitCode: 2,
      text: 'error: 2000 arrivals are more than --max-arrivals 100\n',
    })
  })

  it('says in one line that the grid cannot be reached', async () => {
    const result = await load('--url', 'http://127.0.0.1:1', '--retries', '0')
    expect(result.exitCode).toBe(1)
    expect(result.text).toContain(
      'error: The event could not be created: connection failed: ECONNREFUSED',
    )
  })
})
