import { type Profiler, Session } from 'node:inspector/promises'
import type { CpuProfile } from './self-times.ts'

/** Between two samples, microseconds. */
const samplingUs = 500

/** Where a process has spent its time for a while. */
export interface OwnProfile {
  /** Processor time of all its threads. */
  readonly cpuMs: number
  readonly profile: CpuProfile
}

/** V8's CPU profile of this process, from one moment to another. */
export class OwnProfiler {
  #session: Session | undefined
  #usage = process.cpuUsage()

  async begin(): Promise<void> {
    const session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: samplingUs })
    await session.post('Profiler.start')
    this.#session = session
    this.#usage = process.cpuUsage()
  }

  /** @throws Error when none has begun */
  async end(): Promise<OwnProfile> {
    const session = this.#session
    if (!session) throw new Error('No profile has been begun')
    const { user, system } = process.cpuUsage(this.#usage)
    this.#session = undefined
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    return { cpuMs: (user + system) / 1000, profile: samplesOf(profile) }
  }
}

function samplesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): CpuProfile {
  return { nodes, samples, timeDeltas }
}
