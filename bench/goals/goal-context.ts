import type { BenchServers } from '../processes/bench-servers.ts'
import { nodeFlags, RunningSubject } from '../processes/running-subject.ts'
import type { RunSettings } from '../processes/subject.ts'
import { type Contender, interleave } from './interleave.ts'

export interface GoalSettings {
  /** Rounds of each comparison. */
  readonly rounds: number
  /** Of one sample. */
  readonly sampleMs: number
  /** Sizes that only show that everything works; the figures mean nothing. */
  readonly small: boolean
  /** Growth up to 5,000,000 entries. */
  readonly large: boolean
}

/** The usual size of what is in memory; goals about many entries have sizes of their own. */
const entriesUsual = 10_000

/** What a goal works with. Subjects that it starts are closed when it is done. */
export class GoalContext {
  readonly servers: BenchServers
  readonly settings: GoalSettings
  readonly #progress: (text: string) => void
  readonly #leftOut: Map<string, string>
  readonly #profiling: (subject: string) => readonly string[]
  readonly #subjects = new Set<RunningSubject>()

  /**
   * @param leftOut peers that cannot be had here, and why; shared by all goals of a run
   * @param profiling flags that make a subject's process write its profile. Default: none
   */
  constructor(
    servers: BenchServers,
    settings: GoalSettings,
    progress: (text: string) => void,
    leftOut: Map<string, string>,
    profiling: (subject: string) => readonly string[] = () => [],
  ) {
    this.#profiling = profiling
    this.servers = servers
    this.settings = settings
    this.#progress = progress
    this.#leftOut = leftOut
  }

  get entries(): number {
    return this.settings.small ? 500 : entriesUsual
  }

  /** One of two sizes. */
  size(usual: number, small: number): number {
    return this.settings.small ? small : usual
  }

  /** @param module of `bench/subjects/` */
  async start(
    module: string,
    options: object,
    flags: readonly string[] = nodeFlags,
  ): Promise<RunningSubject> {
    const url = new URL(`../subjects/${module}.ts`, import.meta.url)
    const all = [...flags, ...this.#profiling(module)]
    const subject = await RunningSubject.start(module, url, options, all)
    this.#subjects.add(subject)
    return subject
  }

  async close(subject: RunningSubject): Promise<void> {
    this.#subjects.delete(subject)
    await subject.close()
  }

  /**
   * What cannot be had here, or is not wanted, is left out of this run and named in its results.
   */
  async orLeftOut<T>(peer: string, start: () => Promise<T>): Promise<T | undefined> {
    if (this.#leftOut.has(peer)) return undefined
    try {
      return await start()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#leftOut.set(peer, reason)
      process.stderr.write(`\nLEFT OUT: ${peer}: ${reason}\n`)
      return undefined
    }
  }

  /** Shown for a moment. */
  say(text: string): void {
    this.#progress(text)
  }

  /** A sample's settings. */
  run(inFlight: number): RunSettings {
    const { sampleMs } = this.settings
    return { inFlight, ms: sampleMs, warmupMs: sampleMs / 4 }
  }

  interleave<T>(what: string, contenders: readonly Contender<T>[]): Promise<Map<string, T[]>> {
    const { rounds } = this.settings
    return interleave(contenders, rounds, (name, round) =>
      this.say(`${what}, round ${round + 1} of ${rounds}: ${name}`),
    )
  }

  async closeAll(): Promise<void> {
    for (const subject of this.#subjects) await this.close(subject)
  }
}
