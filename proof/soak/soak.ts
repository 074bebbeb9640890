import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { connect } from 'nats'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { auditCopies } from '../support/copies-audit.ts'
import { FaultGrid } from '../support/fault-grid.ts'
import { MixedLoad } from './mixed-load.ts'
import { Sampler } from './sampler.ts'
import { type Trend, trendOf } from './trend.ts'

export interface SoakOptions {
  readonly seconds: number
  /** From one replacement of a unit to the next. */
  readonly replaceSeconds: number
  /** Requests each second. */
  readonly rate: number
  readonly units: number
  readonly seed: number
  /** Data and logs. */
  readonly folder: string
  readonly told?: (line: string) => void
}

export interface SoakSummary {
  readonly trends: readonly Trend[]
  readonly replaced: { readonly killed: number; readonly stopped: number }
  readonly answered: ReadonlyMap<number, number>
  /** What the audit of all copies has found, and processes that ended by themselves. */
  readonly wrong: readonly string[]
}

const space = 'soak'
/** Of the whole time: no finer than that. */
const samples = 240
const sampleMsMin = 500
const settledMsMax = 120_000
/** What is persisted leaves the streams after that: a fraction of the time that is looked at. */
const trimDelayMs = 5000

/**
 * A cluster under a mixed load whose state never becomes more; one unit stays, the others are
 * replaced in turn, by `kill -9` and in good order. What stays from the beginning to the end is
 * watched, and judged by its trend; at the end every copy is compared.
 */
export async function runSoak(options: SoakOptions): Promise<SoakSummary> {
  const { seconds, replaceSeconds, rate, units, seed, folder, told } = options
  await using grid = await FaultGrid.start({
    ...{ units, folder },
    application: { files: [join(import.meta.dirname, 'space.ts')], spaces: [space] },
    environment: { TRIM_DELAY_MS: String(trimDelayMs) },
  })
  const { cluster, servers } = grid
  const [stays, ...others] = cluster.units as ComponentProcess[]
  if (!stays || others.length === 0) throw new Error('it takes two units')
  const wanted = cluster.components.filter((it) => it === stays || !cluster.units.includes(it))
  await using disks = await Disks.of(cluster.urls)
  const sampler = new Sampler(
    [
      ...wanted.map(({ settings: { name, adminPort }, pid }) => ({ name, pid, adminPort })),
      ...[...servers].map(([name, { pid }]) => ({ name, pid })),
    ],
    {
      'disk of the streams': () => disks.streams(),
      'disk of MongoDB': () => disks.mongodb(),
    },
  )
  const load = new MixedLoad({ url: cluster.urls.http, rate, seed })
  const replaced = { killed: 0, stopped: 0 }
  const begun = performance.now()
  const elapsed = () => (performance.now() - begun) / 1000
  const over = new AbortController()
  const sampling = sampleUntil(over.signal, sampler, (1000 * seconds) / samples)
  while (elapsed() < seconds) {
    await sleep(1000 * Math.min(replaceSeconds, seconds - elapsed()))
    if (elapsed() >= seconds - replaceSeconds / 2) break
    const isKilled = (replaced.killed + replaced.stopped) % 2 === 0
    const victim = others.shift() as ComponentProcess
    if (isKilled) victim.kill('SIGKILL')
    else await victim.stop()
    await victim.gone
    others.push(await cluster.restart(victim))
    replaced[isKilled ? 'killed' : 'stopped']++
    told?.(
      `${Math.round(elapsed())} s: ${victim.settings.name} ${isKilled ? 'killed' : 'stopped'} and replaced`,
    )
  }
  over.abort()
  await sampling
  await load.end()
  const wrong = wanted.flatMap(({ settings, ended }) =>
    ended === undefined ? [] : [`${settings.name} has ended by itself: ${ended}`],
  )
  const { nats, mongodb, redis } = cluster.urls
  wrong.push(...(await auditCopies({ nats, mongodb, redis }, space, units, settledMsMax)))
  return { trends: sampler.series().map(trendOf), replaced, answered: load.answered, wrong }
}

async function sampleUntil(signal: AbortSignal, sampler: Sampler, everyMs: number): Promise<void> {
  while (!signal.aborted) {
    await sampler.sample()
    await sleep(Math.max(sampleMsMin, everyMs))
  }
}

/** What servers keep, by their own word. */
class Disks implements AsyncDisposable {
  readonly #nats: Awaited<ReturnType<typeof connect>>
  readonly #mongodb: MongoClient

  private constructor(nats: Awaited<ReturnType<typeof connect>>, mongodb: MongoClient) {
    this.#nats = nats
    this.#mongodb = mongodb
  }

  static async of(urls: { readonly nats: string; readonly mongodb: string }): Promise<Disks> {
    const nats = await connect({ servers: urls.nats })
    return new Disks(nats, await new MongoClient(urls.mongodb).connect())
  }

  async streams(): Promise<number> {
    const manager = await this.#nats.jetstreamManager()
    let bytes = 0
    for await (const { state } of manager.streams.list()) bytes += state.bytes
    return bytes
  }

  /** Without what MongoDB keeps for itself, its log above all, which has a size of its own. */
  async mongodb(): Promise<number> {
    const { databases } = await this.#mongodb.db('admin').admin().listDatabases()
    return databases
      .filter(({ name }) => !['admin', 'config', 'local'].includes(name))
      .reduce((sum, { sizeOnDisk = 0 }) => sum + sizeOnDisk, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nats.close()
    await this.#mongodb.close()
  }
}
