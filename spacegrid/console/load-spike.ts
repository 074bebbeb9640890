import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Spike,
  type SpikeResult,
  type SpikeSize,
  type SpikeStatus,
  spikeSizes,
} from '@spacegrid/console/control'
import { GridError } from '@spacegrid/grid/core/errors'
import type { ApplicationName } from '../load/scenario/built-in.ts'
import type { LoadSummary } from '../load/summary.ts'
import { spacegridProgram } from '../own-program.ts'

const durationSeconds = 30
/** After the last arrival users finish, and what they bought is audited; then it is given up. */
const endingMsMax = 90_000
const seats = 600
/** Users per second at the peak; a tenth of that before and after. */
const peaks: Readonly<Record<SpikeSize, number>> = { small: 40, medium: 150, large: 500 }
/** Applications that the generator has users for, and how many of the users are theirs. */
const shares: Readonly<Record<ApplicationName, number>> = { ticketing: 1, auction: 0.2 }
const errorLengthMax = 2000

/**
 * Spikes of the load generator's own profile (`npx spacegrid load --profile spike`), each
 * application's in a process of its own: it measures what users meet, and takes nothing from the
 * grid's event loop. One at a time, and none is longer than `durationSeconds` and what the audit
 * takes.
 */
export class LoadSpike implements Spike {
  readonly sizes = Object.fromEntries(
    spikeSizes.map((size) => [size, `${peaks[size]} users a second at the peak`]),
  ) as Record<SpikeSize, string>
  readonly #url: () => string
  readonly #applications: readonly ApplicationName[]
  #children: ChildProcess[] = []
  #timers: NodeJS.Timeout[] = []
  #status: SpikeStatus = {
    ...{ phase: 'idle', size: null, startedAt: null, results: [] },
    durationMs: durationSeconds * 1000,
  }

  /**
   * undefined: the generator has users for none of the spaces.
   * @param url of the grid's public door, on this machine
   */
  static of(url: () => string, spaces: readonly string[]): LoadSpike | undefined {
    const names = Object.keys(shares) as ApplicationName[]
    const served = names.filter((name) => spaces.includes(name))
    return served.length === 0 ? undefined : new LoadSpike(url, served)
  }

  private constructor(url: () => string, applications: readonly ApplicationName[]) {
    this.#url = url
    this.#applications = applications
  }

  status(): SpikeStatus {
    return this.#status
  }

  start(size: SpikeSize): void {
    if (this.#status.phase !== 'idle')
      throw new GridError('contended', 'A spike is under way: end it, or wait until it is over')
    this.#status = { ...this.#status, phase: 'starting', size, startedAt: Date.now(), results: [] }
    const runs = this.#applications.map((application) => this.#run(application, size))
    this.#timers = [
      setTimeout(() => this.#phase('ending'), (durationSeconds + 1) * 1000),
      setTimeout(() => this.#kill('SIGKILL'), durationSeconds * 1000 + endingMsMax),
    ]
    void Promise.all(runs).then((results) => {
      for (const timer of this.#timers) clearTimeout(timer)
      this.#children = []
      this.#status = { ...this.#status, phase: 'idle', results }
    })
  }

  stop(): void {
    this.#phase('ending')
    this.#kill('SIGTERM')
  }

  /** With the program that it is part of. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#kill('SIGKILL')
  }

  #phase(phase: SpikeStatus['phase']): void {
    if (this.#status.phase !== 'idle') this.#status = { ...this.#status, phase }
  }

  #kill(signal: NodeJS.Signals): void {
    for (const child of this.#children) child.kill(signal)
  }

  async #run(application: ApplicationName, size: SpikeSize): Promise<SpikeResult> {
    const file = join(tmpdir(), `spacegrid-spike-${randomUUID()}.json`)
    const peak = peaks[size] * shares[application]
    const words = [
      ...['load', '--url', this.#url(), '--application', application, '--profile', 'spike'],
      ...['--duration', `${durationSeconds}`, '--rate', `${peak / 10}`, '--peak', `${peak}`],
      ...['--think', '0.5', '--drain', '10', '--json', file],
      ...(application === 'ticketing' ? ['--seats', `${seats}`] : []),
    ]
    const child = spawn(process.execPath, [...process.execArgv, spacegridProgram, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#children.push(child)
    child.stdout?.once('data', () => this.#phase('running'))
    child.stdout?.resume()
    let error = ''
    child.stderr?.on('data', (data: Buffer) => {
      error = (error + data.toString()).slice(-errorLengthMax)
    })
    await new Promise((resolve) => child.once('close', resolve).once('error', resolve))
    try {
      return resultOf(application, JSON.parse(await readFile(file, 'utf8')) as LoadSummary)
    } catch {
      return { ...nothing, application, fault: error.trim() || 'it ended before it had a result' }
    } finally {
      await rm(file, { force: true })
    }
  }
}

const nothing = {
  ...{ users: 0, offered: 0, admitted: 0, shed: 0, failed: 0 },
  ...{ p50Ms: null, p99Ms: null, auditPassed: null },
}

const resultOf = (
  application: string,
  { arrivals, total, latencyMs, audit }: LoadSummary,
): SpikeResult => ({
  application,
  fault: null,
  users: arrivals,
  offered: total.offered,
  admitted: total.admitted,
  shed: total.shed,
  failed: total.failed,
  p50Ms: latencyMs.p50,
  p99Ms: latencyMs.p99,
  auditPassed: audit.passed,
})
