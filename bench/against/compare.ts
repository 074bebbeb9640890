import { pathToFileURL } from 'node:url'
import { type Contender, interleave } from '../goals/interleave.ts'
import { ratioOf, type Spread } from '../goals/spread.ts'
import { newSpaceName } from '../hot-path/bench-unit.ts'
import type { BenchServers } from '../processes/bench-servers.ts'
import { nodeFlags, RunningSubject } from '../processes/running-subject.ts'
import type { RunSettings } from '../processes/subject.ts'

/** One of the two states of the sources that are compared. */
export interface Side {
  readonly name: string
  /** Root of its sources. */
  readonly folder: string
}

export interface ComparisonSettings {
  readonly rounds: number
  readonly sampleMs: number
  /** Of a space that is started cold, or joined. */
  readonly entries: number
}

/** Cost of one thing: the time that it takes now, in times of what it took before. */
export interface Cost {
  readonly what: string
  readonly unit: string
  readonly before: readonly number[]
  readonly now: readonly number[]
  /** Round by round; above 1: slower now. */
  readonly ratio: Spread
}

const entriesUsual = 10_000
const database = 'bench_grid'

/**
 * The same work by the sources of two revisions, each in processes of its own on the same servers,
 * in turn: what the difference between them costs. Yields each figure as soon as there is one.
 */
export async function* compare(
  sides: readonly [before: Side, now: Side],
  servers: BenchServers,
  settings: ComparisonSettings,
): AsyncGenerator<Cost> {
  yield* throughput(sides, servers, settings)
  yield await joining(sides, servers, settings)
  yield* coldStart(sides, servers, settings)
}

type Sides = readonly [before: Side, now: Side]

const start = (side: Side, module: string, options: object): Promise<RunningSubject> =>
  RunningSubject.start(
    `${module} ${side.name}`,
    new URL(`bench/subjects/${module}.ts`, pathToFileURL(`${side.folder}/`)),
    options,
    nodeFlags,
  )

async function* throughput(
  sides: Sides,
  servers: BenchServers,
  settings: ComparisonSettings,
): AsyncGenerator<Cost> {
  const natsUrl = await servers.url('nats')
  const units = new Map<Side, RunningSubject>()
  for (const side of sides) {
    const options = { natsUrl, space: newSpaceName(), number: 0, of: 1, entries: entriesUsual }
    units.set(side, await start(side, 'processing-unit', options))
  }
  const { sampleMs } = settings
  const run = (inFlight: number): RunSettings => {
    return { inFlight, ms: sampleMs, warmupMs: sampleMs / 4 }
  }
  for (const [what, operation, inFlight] of [
    ['committed command, 1 in flight', 'put', 1],
    ['committed command, 256 in flight', 'put', 256],
    ['committed operation, 256 in flight', 'bumpSmall', 256],
    ['query, 64 in flight', 'query', 64],
  ] as const) {
    const timeOf = async (side: Side) => {
      const { perSecond } = await (units.get(side) as RunningSubject).run(operation, run(inFlight))
      return 1e6 / perSecond
    }
    yield costOf(what, 'µs', await inTurn(sides, settings.rounds, timeOf), sides)
  }
  for (const unit of units.values()) await unit.close()
}

async function joining(
  sides: Sides,
  servers: BenchServers,
  { rounds, entries }: ComparisonSettings,
): Promise<Cost> {
  const natsUrl = await servers.url('nats')
  const donors = new Map<Side, RunningSubject>()
  const spaces = new Map(sides.map((side) => [side, newSpaceName()]))
  const optionsOf = (side: Side, number: number) => {
    return { natsUrl, space: spaces.get(side), number, of: 1, entries, loads: ['load'] }
  }
  for (const side of sides)
    donors.set(side, await start(side, 'processing-unit', optionsOf(side, 0)))
  const join = async (side: Side) => {
    const unit = await start(side, 'processing-unit', optionsOf(side, 1))
    const readyMs = await unit.request<number>('readyMs')
    await unit.close()
    return readyMs
  }
  const samples = await inTurn(sides, rounds, join)
  for (const donor of donors.values()) await donor.close()
  return costOf(`joining from a peer, ${entries} entries`, 'ms', samples, sides)
}

async function* coldStart(
  sides: Sides,
  servers: BenchServers,
  { rounds, entries }: ComparisonSettings,
): AsyncGenerator<Cost> {
  const natsUrl = await servers.url('nats')
  const urls = {
    natsUrl,
    mongodbUrl: await servers.url('mongodb'),
    redisUrl: await servers.url('redis'),
  }
  const stored = new Map<Side, { persistence: RunningSubject; options: object }>()
  for (const side of sides) {
    const space = newSpaceName()
    const options = { natsUrl, space, of: 1, entries, loads: ['load'] }
    const persistence = await start(side, 'persistence', { ...urls, database, space })
    await persistence.request('start', 'writer')
    await persistence.request('start', 'pump')
    const unit = await start(side, 'processing-unit', { ...options, number: 0 })
    const { position } = await unit.request<{ position: number }>('status')
    await persistence.request('reach', 'writer', position)
    await persistence.request('imageReaches', position)
    await unit.close()
    stored.set(side, { persistence, options })
  }
  for (const [source, from] of [
    ['reader', 'Redis'],
    ['store', 'MongoDB'],
  ] as const) {
    const coldly = async (side: Side) => {
      const { persistence, options } = stored.get(side) as {
        persistence: RunningSubject
        options: object
      }
      // A reader that has just given a snapshot takes its time before it gives the next one.
      await persistence.request('stop', 'reader')
      await persistence.request('start', 'reader')
      const unit = await start(side, 'processing-unit', { ...options, number: 1, source })
      const readyMs = await unit.request<number>('readyMs')
      await unit.close()
      return readyMs
    }
    yield costOf(
      `cold start from ${from}, ${entries} entries`,
      'ms',
      await inTurn(sides, rounds, coldly),
      sides,
    )
  }
  for (const { persistence } of stored.values()) await persistence.close()
}

function inTurn(
  sides: Sides,
  rounds: number,
  sample: (side: Side) => Promise<number>,
): Promise<Map<string, number[]>> {
  const contenders: Contender<number>[] = sides.map((side) => {
    return { name: side.name, sample: () => sample(side) }
  })
  return interleave(contenders, rounds)
}

function costOf(
  what: string,
  unit: string,
  samples: ReadonlyMap<string, readonly number[]>,
  [{ name: before }, { name: now }]: Sides,
): Cost {
  const then = samples.get(before) ?? []
  const today = samples.get(now) ?? []
  return { what, unit, before: then, now: today, ratio: ratioOf(today, then) }
}
