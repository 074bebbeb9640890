import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ContentionResults } from './contention/contention-results.ts'
import { allGoals } from './goals/all-goals.ts'
import type { GoalRow } from './goals/goal.ts'
import type { GrowthResults } from './growth/growth-results.ts'
import type { Results } from './hot-path/results.ts'
import { severalUnitsTasks } from './hot-path/several-units.ts'
import type { OverloadResults } from './overload/overload-results.ts'
import type { PartitionResults } from './partitions/partition-results.ts'
import type { PeerResults } from './peers/peer-results.ts'
import type { WatchedResults } from './watched.ts'

// Benchmarks that nobody runs rot: every one of them runs here, as small as it can be. That it
// gives its numbers is what counts, never how good they are.

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spacegrid-bench-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const run = (program: string, name: string, ...options: string[]): Promise<string> =>
  start(program, '--results', folder, '--name', name, ...options)

async function start(program: string, ...options: string[]): Promise<string> {
  const path = fileURLToPath(new URL(program, import.meta.url))
  const child = spawn(process.execPath, [path, ...options])
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const [code] = (await once(child, 'close')) as [number | null]
  expect(code, said).toBe(0)
  return said
}

async function results<T>(name: string): Promise<T> {
  const html = await readFile(join(folder, `${name}.html`), 'utf8')
  expect(html).toMatch(/^<!doctype html>/)
  expect(html).not.toMatch(/<(script|link|img)[^>]+(src|href)=/)
  return JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as T
}

// Seconds on a quiet machine, but dozens of processes on one that others use as well.
describe.concurrent('benchmarks', { timeout: 180_000 }, () => {
  it('npm run bench measures every task at every concurrency', async () => {
    const small = ['--entries', '100', '--time', '10', '--runs', '1', '--concurrency', '1,16']
    const said = await run('./main.ts', 'hot-path', ...small)
    const { measurements } = await results<Results>('hot-path')
    for (const { name } of severalUnitsTasks)
      expect(measurements.map(({ task }) => task)).toContain(name)
    for (const door of ['query', 'command'].flatMap((it) => [`${it} over HTTP`, `${it} over NATS`]))
      expect(measurements.filter(({ task }) => task === door)).toHaveLength(2)
    for (const { task, perSecond, p50 } of measurements) {
      expect(said).toContain(task)
      expect(perSecond, task).toBeGreaterThan(0)
      expect(p50, task).toBeGreaterThan(0)
    }
    const inProcess = measurements.filter(({ allocatedBytes }) => allocatedBytes !== undefined)
    expect(inProcess.some(({ task }) => task === 'command, read and write')).toBe(true)
  })

  it('npm run bench:access asks with each credential, and without', async () => {
    const said = await start('./access.ts', '--rounds', '1', '--queries', '64', '--commands', '64')
    for (const kind of ['query', 'command'])
      for (const way of ['off', 'API key', 'token'])
        expect(said).toMatch(new RegExp(`^${kind} +${way} +[\\d.]+ µs`, 'm'))
  })

  it('npm run bench:contention varies every factor, and finds collisions where there are any', async () => {
    const small = ['--units', '1,3', '--rates', '50,100', '--entries', '8,4', '--latencies', '5,20']
    const said = await run('./contention.ts', 'contention', ...small, '--time', '250')
    const { rows } = await results<ContentionResults>('contention')
    expect(rows.map(({ factor }) => factor)).toEqual([
      ...['units', 'updatesPerSecond', 'entries', 'replicationMs', 'work', 'hot'],
    ])
    const [units, , , , work] = rows.map(({ figures }) => figures)
    // One unit has nobody to collide with, whatever the book says.
    expect(units?.[0]).toMatchObject({ units: 1, collisions: 0, expected: 0 })
    expect(units?.[0]?.book).toBeGreaterThan(0)
    expect(units?.[1]?.collisions).toBeGreaterThan(0)
    const operation = work?.find((figure) => figure.work.startsWith('operation'))
    expect(operation?.collisions).toBe(0)
    for (const { figures } of rows)
      for (const figure of figures) {
        expect(said).toContain(figure.work)
        expect(figure.updatesPerSecond, figure.work).toBeGreaterThan(0)
        expect(figure.replicationMs, figure.work).toBeGreaterThan(4)
      }
  })

  it('npm run bench:watched compares every way of being watched with none', async () => {
    const small = ['--rounds', '1', '--time', '50', '--entries', '100', '--connections', '8']
    await start('./watched.ts', ...small, '--results', folder, '--name', 'watched')
    const text = await readFile(join(folder, 'watched.json'), 'utf8')
    const { costs } = JSON.parse(text) as WatchedResults
    expect(costs).toHaveLength(10)
    for (const { micros, watched } of costs) expect(micros.median, watched).toBeGreaterThan(0)
  })

  it('npm run bench:growth measures every combination', async () => {
    const small = ['--entries', '100,200', '--units', '1,2', '--value-bytes', '10', '--time', '20']
    await run('./growth.ts', 'growth', ...small)
    const { figures } = await results<GrowthResults>('growth')
    expect(figures.map(({ entries, units }) => [entries, units])).toEqual([
      [100, 1],
      [100, 2],
      [200, 1],
      [200, 2],
    ])
    for (const { perSecond, readNs } of figures) {
      expect(perSecond).toBeGreaterThan(0)
      expect(readNs).toBeGreaterThan(0)
    }
  })

  it('npm run bench:live tells readers what happens', async () => {
    const small = ['--readers', '20', '--stuck', '2', '--watchers', '20', '--units', '2']
    const said = await start('./live.ts', ...small, '--rate', '20', '--seconds', '1')
    for (const [, told] of said.matchAll(/(\d+(?:\.\d+)?) events told each/g))
      expect(Number(told), said).toBeGreaterThan(0)
    expect(said).toMatch(/delay p50 × \d+\.\d\d, p99 × \d+\.\d\d/)
    expect(said).toMatch(/one live query, 20 readers over 2 units/)
    expect(said).toMatch(/[1-9]\d* changes told, 0 let go/)
  })

  it('npm run bench:overload offers more than can be done, whoever turns others away', async () => {
    const small = ['--time', '200', '--calm', '200', '--times', '5', '--fixed', '50']
    const said = await run('./overload.ts', 'overload', ...small)
    expect(said.match(/goodput +\d+ %/g)).toHaveLength(6)
    const path = join(folder, 'overload.json')
    const { capacity, rows } = JSON.parse(await readFile(path, 'utf8')) as OverloadResults
    expect(capacity).toBeGreaterThan(0)
    for (const { policy, overload } of rows) {
      expect(overload.offered, policy).toBeGreaterThan(0)
      expect(overload.inTime, policy).toBeLessThanOrEqual(overload.offered)
    }
  })

  it.each([
    'work,memory,fifth-unit',
    'beside-one,streams,placement',
    'passed-on,across-two,hot-key,hot-auction,killed-unit',
  ])('npm run bench:partitions measures %s', async (only) => {
    const name = `partitions-${only.split(',')[0]}`
    const small = ['--small', '--entries', '200', '--entries-few', '200', '--units', '1,2']
    const few = ['--partitions', '4', '--rounds', '1', '--time', '50', '--without', 'Hazelcast']
    await run('./partitions.ts', name, ...small, ...few, '--only', only)
    const { rows, figures } = await results<PartitionResults>(name)
    const names = only.split(',').filter((one) => one !== 'placement')
    expect(new Set(rows.map((row) => row.name))).toEqual(new Set(names))
    for (const row of rows) expectMeasured(row)
    for (const { table, y } of figures) expect(y.median, table).toBeGreaterThanOrEqual(0)
  })

  it('npm run bench:partitions -- --profile tells where the time of its rows goes', async () => {
    const small = ['--small', '--entries-few', '200', '--units', '1,2', '--partitions', '2']
    const few = ['--time', '50', '--without', 'Hazelcast,Redis,NATS KV', '--only', 'hot-key']
    const name = 'profiled'
    await start(
      './partitions.ts',
      ...small,
      ...few,
      '--profile',
      '--name',
      name,
      '--results',
      folder,
    )
    const page = await readFile(join(folder, `${name}-profiles.md`), 'utf8')
    for (const role of ['home unit', 'units that pass on', 'server nats'])
      expect(page).toMatch(new RegExp(`^\\| ${role} \\| \\d+ \\| [\\d.,]+ \\|`, 'm'))
    expect(page).toMatch(/^### home unit\n/m)
  })

  // Hazelcast is a Java program of its own that takes long to start; its absence is told, and
  // everything else is measured all the same.
  const halves = [allGoals.slice(0, 7), allGoals.slice(7)]
  it.each(halves.map((goals) => goals.map(({ name }) => name).join(',')))(
    'npm run bench:peers measures %s',
    async (only) => {
      const name = `peers-${only.split(',')[0]}`
      const said = await run(
        './peers.ts',
        name,
        '--small',
        '--without',
        'Hazelcast',
        '--only',
        only,
      )
      expect(said).toContain('LEFT OUT: Hazelcast')
      const { rows, leftOut } = await results<PeerResults>(name)
      expect(Object.keys(leftOut)).toEqual(['Hazelcast'])
      expect(new Set(rows.map((row) => row.name))).toEqual(new Set(only.split(',')))
      for (const row of rows) expectMeasured(row)
    },
  )
})

function expectMeasured({ what, measured, ratio, met }: GoalRow): void {
  // Nothing at all may be a result ("0.000" re-executions), and in so short a time a difference of
  // two latencies has either sign.
  expect(measured, what).toMatch(/\d/)
  expect(measured, what).not.toMatch(/NaN|Infinity|–/)
  if (ratio) expect(ratio.median, what).toSatisfy(Number.isFinite)
  // Sizes that mean nothing meet nothing.
  expect(met, what).toBeUndefined()
}
