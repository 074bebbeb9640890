import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownProgram } from 'spacegrid/own-program'
import { outlive, reapWithThisProcess } from 'spacegrid/servers/reaper'
import type { OwnProfile } from '../profile/own-profile.ts'
import type { RunResult, RunSettings } from './subject.ts'
import { type Call, openedId, type Reply } from './subject-process.ts'

/** The parameters of production: see the npm scripts. */
export const nodeFlags = ['--max-semi-space-size=16']
/**
 * Among a process's flags: it works only while the processor has nothing else to do, all its
 * threads, as if it were on another machine.
 */
export const givingWay = 'gives-way'

/** A run starts dozens of processes of the same code. */
const compileCache = join(tmpdir(), 'spacegrid-bench-compiled')

/** `Omit` for each member of a union. */
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/**
 * A subject in its process, as its parent sees it. It ends with this process, however this one
 * ends.
 */
export class RunningSubject implements AsyncDisposable {
  readonly name: string
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #lastId = openedId

  private constructor(name: string, child: ChildProcess) {
    this.name = name
    this.#child = child
    if (child.pid !== undefined) reapWithThisProcess(child.pid)
    child.on('message', (reply: Reply) => this.#settle(reply))
    child.once('exit', (code, signal) => {
      if (child.pid !== undefined) outlive(child.pid)
      const error = new Error(`The process of ${name} has ended (${signal ?? code})`)
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    })
  }

  /**
   * @param module of the subject, with an `open` that takes `options`
   * @throws Error with the stack of what was thrown there
   */
  static async start(
    name: string,
    module: URL,
    options: unknown,
    flags: readonly string[] = nodeFlags,
  ): Promise<RunningSubject> {
    const program = ownProgram(new URL('./subject-process.ts', import.meta.url))
    const givesWay = flags.includes(givingWay)
    const ownFlags = flags.filter((flag) => flag !== givingWay)
    const child = fork(program, [module.href, JSON.stringify(options)], {
      ...(givesWay ? { execPath: 'nice' } : {}),
      execArgv: givesWay ? ['-n', '19', process.execPath, ...ownFlags] : ownFlags,
      serialization: 'advanced',
      env: { NODE_COMPILE_CACHE: compileCache, ...process.env, NODE_ENV: 'production' },
    })
    const subject = new RunningSubject(name, child)
    await subject.#reply(openedId)
    return subject
  }

  /** What fails is counted in the result, and told. */
  async run(operation: string, settings: RunSettings): Promise<RunResult> {
    const result = (await this.#call({ run: operation, settings })) as RunResult
    const { operations, failed, failure } = result
    if (failed > 0)
      process.stderr.write(
        `\n${this.name}, ${operation}: ${failed} failed beside ${operations} operations: ${failure}\n`,
      )
    return result
  }

  /** The answer is the caller's to know: whoever wrote the subject wrote it. */
  async request<T>(request: string, ...parameters: unknown[]): Promise<T> {
    return (await this.#call({ request, parameters })) as T
  }

  /** Processor time that the process has had so far, ms. */
  async cpuMs(): Promise<number> {
    return (await this.#call({ cpu: true })) as number
  }

  /** From now on the process notes where its time goes, until it is asked. */
  async beginProfile(): Promise<void> {
    await this.#call({ profile: 'begin' })
  }

  async endProfile(): Promise<OwnProfile> {
    return (await this.#call({ profile: 'end' })) as OwnProfile
  }

  /** As kill -9: nothing is closed, and nobody is told. */
  async kill(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  /** Freezes the process; what is asked of it meanwhile waits. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    await this.#call({ close: true })
    await exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #call(call: WithoutId<Call>): Promise<unknown> {
    const id = ++this.#lastId
    if (!this.#child.connected)
      return Promise.reject(new Error(`The process of ${this.name} has ended`))
    this.#child.send({ ...call, id })
    return this.#reply(id)
  }

  #reply(id: number): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.set(id, { resolve, reject })
    return promise
  }

  #settle({ id, value, error }: Reply): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(`${this.name}: ${error}`))
  }
}

/**
 * Several subjects at the same time, each with the same settings: rates and counts added up,
 * latencies of the worst one.
 */
export async function runTogether(
  subjects: readonly RunningSubject[],
  operation: string,
  settings: RunSettings,
): Promise<RunResult> {
  const results = await Promise.all(subjects.map((subject) => subject.run(operation, settings)))
  const sum = (read: (result: RunResult) => number) =>
    results.reduce((total, result) => total + read(result), 0)
  const most = (read: (result: RunResult) => number) => Math.max(...results.map(read))
  const failure = results.find((result) => result.failure !== undefined)?.failure
  return {
    operations: sum((result) => result.operations),
    failed: sum((result) => result.failed),
    ...(failure === undefined ? {} : { failure }),
    retries: sum((result) => result.retries),
    elapsedMs: most((result) => result.elapsedMs),
    perSecond: sum((result) => result.perSecond),
    p50: most((result) => result.p50),
    p99: most((result) => result.p99),
    p999: most((result) => result.p999),
    max: most((result) => result.max),
  }
}
