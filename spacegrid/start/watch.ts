import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { ownProgram } from '../own-program.ts'
import { FileWatch } from './file-watch.ts'
import type { Asked, Told } from './watched-messages.ts'

const program = ownProgram(new URL('./watched-process.ts', import.meta.url))

export interface WatchOptions {
  readonly json: boolean
}

/**
 * Serves an application, and starts it again whenever one of its files changes. Each version is a
 * process of its own, so that nothing of the one before is left; the next process always stands by,
 * with all but the application loaded. A version that cannot be loaded is told, and the one before
 * it goes on serving.
 */
export async function watchApplication(
  files: readonly string[],
  options: WatchOptions,
): Promise<void> {
  const watch = new ApplicationWatch(files, options)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void watch.stop())
  await watch.start()
}

class ApplicationWatch {
  readonly #files: readonly string[]
  readonly #json: boolean
  readonly #fileWatch: FileWatch
  #next: ChildProcess
  #serving: ChildProcess | undefined
  /** Whether any version has served yet. */
  #hasServed = false
  #isTurning = false
  /** What has changed since the present turn began, and when. */
  #changed: { readonly name: string; readonly at: number } | undefined
  #isStopping = false

  constructor(files: readonly string[], { json }: WatchOptions) {
    this.#files = files
    this.#json = json
    this.#next = standBy()
    this.#fileWatch = new FileWatch((name) => {
      this.#changed = { name, at: performance.now() }
      void this.#turn()
    })
  }

  async start(): Promise<void> {
    await this.#turn()
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#fileWatch.stop()
    this.#next.kill('SIGKILL')
    const code = this.#serving ? await endOf(this.#serving, 'SIGTERM') : 0
    process.exit(code ?? 1)
  }

  /** One after the other, until nothing has changed meanwhile. */
  async #turn(): Promise<void> {
    if (this.#isTurning) return
    this.#isTurning = true
    try {
      do {
        const changed = this.#changed
        this.#changed = undefined
        if (await this.#load()) await this.#replace()
        else continue
        if (changed && this.#serving) {
          const ms = Math.round(performance.now() - changed.at)
          tell(`Started again in ${ms} ms: ${changed.name} has changed`)
        }
      } while (this.#changed !== undefined && !this.#isStopping)
    } finally {
      this.#isTurning = false
    }
  }

  /** Whether the application as it is now can be used. */
  async #load(): Promise<boolean> {
    const answer = await ask(this.#next, { ask: 'load', files: this.#files })
    if (this.#isStopping) return false
    const read = answer?.told === 'loaded' ? answer.files : []
    const fault = answer?.told === 'loaded' ? answer.fault : 'The application has ended the process'
    // Nothing has been found that could change.
    if (fault !== undefined && read.length === 0 && !this.#hasServed) await this.#giveUp(fault)
    this.#fileWatch.follow(
      [...new Set([...read, ...this.#files.map((file) => resolve(file))])],
      fault !== undefined,
    )
    if (fault === undefined) return true
    tell(`${fault}\n${this.#serving ? 'The version before it goes on.' : 'Waiting for a change.'}`)
    this.#next.kill('SIGKILL')
    this.#next = standBy()
    return false
  }

  /** The version before has to let go of data and ports first. */
  async #replace(): Promise<void> {
    const [next, before] = [this.#next, this.#serving]
    this.#serving = undefined
    if (before) await endOf(before, 'SIGTERM')
    if (this.#isStopping) return
    this.#serving = next
    const isFirst = !this.#hasServed
    const answer = await ask(next, { ask: 'serve', json: this.#json, isFirst })
    if (this.#isStopping) return
    if (answer === undefined) {
      this.#serving = undefined
      if (isFirst) return await this.#exitAs(next)
      tell('It has ended. Waiting for a change.')
    } else {
      this.#hasServed = true
      next.once('exit', (code, signal) => {
        if (this.#serving !== next || this.#isStopping) return
        this.#serving = undefined
        tell(`It has ended (${signal ?? `exit code ${code}`}). Waiting for a change.`)
      })
    }
    this.#next = standBy()
  }

  async #giveUp(fault: string): Promise<never> {
    tell(fault)
    this.#next.kill('SIGKILL')
    process.exit(2)
  }

  /**
   * What keeps the first version from serving is the configuration's fault, not the application's.
   */
  async #exitAs(child: ChildProcess): Promise<never> {
    process.exit((await endOf(child)) ?? 1)
  }
}

const standBy = (): ChildProcess => fork(program, { execArgv: process.execArgv })

/** undefined: it has ended instead. */
function ask(child: ChildProcess, asked: Asked): Promise<Told | undefined> {
  return new Promise((answered) => {
    const ended = () => answered(undefined)
    if (child.exitCode !== null || child.signalCode !== null) return ended()
    child.once('exit', ended)
    child.once('message', (told: Told) => {
      child.off('exit', ended)
      answered(told)
    })
    child.send(asked)
  })
}

/** Its exit code; null after a signal. */
async function endOf(child: ChildProcess, signal?: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit')
    if (signal) child.kill(signal)
    await exited
  }
  return child.exitCode
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}
