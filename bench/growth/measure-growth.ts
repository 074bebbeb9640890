import { newSpaceName } from '../hot-path/bench-unit.ts'
import type { BenchServers } from '../processes/bench-servers.ts'
import { RunningSubject, runTogether } from '../processes/running-subject.ts'
import type { ReadTimes } from '../processes/time-reads.ts'

export interface GrowthOptions {
  readonly entries: readonly number[]
  readonly units: readonly number[]
  readonly valueBytes: readonly number[]
  /** Spaces with more bytes of values than this are left out, each unit holding a copy. */
  readonly bytesMax: number
  readonly timeMs: number
}

export interface GrowthFigure {
  readonly valueBytes: number
  readonly entries: number
  readonly units: number
  /** ns, of a key that was used before; spread over the entries that the unit writes. */
  readonly readNs: number
  /** Commands that read and write one entry, committed, of all units together. */
  readonly perSecond: number
  /** ms, of the slowest unit. */
  readonly p50: number
  readonly p99: number
  /** Of one unit after a collection, less what its process took before it had any. */
  readonly bytesPerEntry: number
  /** ms in which the last unit copied everything from a peer; 0 with one unit. */
  readonly joinMs: number
}

const inFlight = 64
const flags = ['--max-semi-space-size=16', '--max-old-space-size=16384', '--expose-gc']
const module = new URL('../subjects/processing-unit.ts', import.meta.url)

/** Every combination, as soon as it has been measured. */
export async function* measureGrowth(
  servers: BenchServers,
  options: GrowthOptions,
): AsyncGenerator<GrowthFigure> {
  const natsUrl = await servers.url('nats')
  for (const valueBytes of options.valueBytes)
    for (const entries of options.entries) {
      if (valueBytes * entries > options.bytesMax) continue
      // Each unit writes entries of its own: what growth costs shall not be mixed with collisions.
      const of = Math.max(...options.units)
      const settings = { natsUrl, space: newSpaceName(), of, entries, valueBytes }
      const units: RunningSubject[] = []
      for (const count of options.units.toSorted((a, b) => a - b)) {
        let joinMs = 0
        while (units.length < count) {
          const number = units.length
          const unit = await RunningSubject.start(
            `unit ${number}`,
            module,
            { ...settings, number },
            flags,
          )
          if (number > 0) joinMs = await unit.request<number>('readyMs')
          units.push(unit)
        }
        const [first] = units as [RunningSubject]
        const { sameKeyNs } = await first.request<ReadTimes>('timeReads', options.timeMs)
        const run = { inFlight, ms: options.timeMs, warmupMs: options.timeMs / 2 }
        const { perSecond, p50, p99 } = await runTogether(units, 'touchSized', run)
        const usage = await first.request<{ bytes: number; baseBytes: number }>('usage')
        const bytesPerEntry = (usage.bytes - usage.baseBytes) / entries
        yield {
          ...{ valueBytes, entries, units: count, readNs: sameKeyNs, perSecond },
          ...{ p50, p99, bytesPerEntry, joinMs },
        }
      }
      for (const unit of units) await unit.close()
    }
}
