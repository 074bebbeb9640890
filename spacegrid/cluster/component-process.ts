import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { spareWords } from '@spacegrid/runtime/spare-call'
import { Failure } from '../command-line/failure.ts'
import { spacegridProgram } from '../own-program.ts'
import { endOfLog } from '../servers/end-of-log.ts'

const readyPollMs = 100
const stopMsMax = 15_000
/** Of a component that does not become ready. */
const logLinesShown = 8

export interface ComponentSettings {
  readonly role: string
  readonly name: string
  /** Of the command line: a role, and what it takes. */
  readonly command: readonly string[]
  /** Public port; 0: none. */
  readonly port: number
  readonly adminPort: number
  readonly environment: Readonly<Record<string, string>>
  readonly logFile: string
}

/**
 * One component of a cluster as a process of its own. It ends with its parent, however that ends:
 * the channel between the two closes, and programs take that as a request to stop.
 */
export class ComponentProcess {
  settings: ComponentSettings
  readonly #child: ChildProcess
  /** How it ended; undefined while it runs. */
  ended: string | undefined
  readonly gone: Promise<void>
  /** A spare that holds everything, and could serve at once. */
  isWarm = false
  /** It was asked to stop. */
  isStopping = false

  constructor(settings: ComponentSettings) {
    this.settings = settings
    const log = openSync(settings.logFile, 'a')
    const words = [...process.execArgv, spacegridProgram, ...settings.command]
    this.#child = spawn(process.execPath, words, {
      env: {
        ...process.env,
        UNIT_NAME: settings.name,
        ADMIN_PORT: String(settings.adminPort),
        ...(settings.port === 0 ? {} : { PORT: String(settings.port) }),
        ...settings.environment,
      },
      stdio: ['ignore', log, log, 'ipc'],
    })
    closeSync(log)
    this.hear((message) => {
      if (message === spareWords.ready) this.isWarm = true
    })
    this.gone = new Promise((resolveGone) => {
      this.#child.once('exit', (code, signal) => {
        this.ended = signal ?? `exit code ${code}`
        resolveGone()
      })
      this.#child.once('error', (error) => {
        this.ended = error.message
        resolveGone()
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Answers what it says over the channel between the two. */
  answerWith(answer: (message: unknown) => object | undefined): void {
    this.hear((message) => {
      const said = answer(message)
      if (said) this.tell(said)
    })
  }

  /** A spare is a unit like any other from now on. */
  callUp(): void {
    this.settings = { ...this.settings, role: 'processing-unit' }
    if (this.#child.connected) this.#child.send(spareWords.callUp)
  }

  /**
   * Asks its health check until it is ready. Throws a Failure when it ends before or the time is
   * up, and when `signal` aborts.
   */
  async ready(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const until = performance.now() + timeoutMs
    let reason = 'it does not answer'
    while (performance.now() < until) {
      signal?.throwIfAborted()
      if (this.ended !== undefined)
        throw new Failure(`${this.settings.name} ended (${this.ended}); ${this.#endOfLog()}`)
      const answer = await this.#askReady()
      if (answer === undefined) return
      reason = answer
      await new Promise((wake) => setTimeout(wake, readyPollMs))
    }
    throw new Failure(
      `${this.settings.name} is not ready after ${timeoutMs} ms: ${reason}; ${this.#endOfLog()}`,
    )
  }

  /** Told what it sends over the channel between the two. */
  hear(listener: (message: unknown) => void): void {
    this.#child.on('message', listener)
  }

  /** Says nothing to one that has ended, or is about to: it has no use for it. */
  tell(message: object): void {
    if (this.ended === undefined && this.#child.connected)
      this.#child.send(message, () => undefined)
  }

  kill(signal: NodeJS.Signals): void {
    if (this.ended === undefined) this.#child.kill(signal)
  }

  /** Gracefully; killed when that takes too long. */
  async stop(): Promise<void> {
    this.isStopping = true
    this.kill('SIGTERM')
    // A paused process takes the signal only when it goes on.
    this.kill('SIGCONT')
    const timer = setTimeout(() => this.kill('SIGKILL'), stopMsMax)
    await this.gone
    clearTimeout(timer)
  }

  #endOfLog(): string {
    const { logFile } = this.settings
    return `the end of its log (${logFile}):\n${endOfLog(logFile, logLinesShown)}`
  }

  /** undefined: ready. */
  async #askReady(): Promise<string | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.settings.adminPort}/health/ready`, {
        signal: AbortSignal.timeout(1000),
      })
      return response.ok ? undefined : await response.text()
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
}
