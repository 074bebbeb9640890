import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Binary, environmentOf, findBinary } from './binary.ts'
import { serverBinaries } from './binary-sources.ts'
import { endOfLog } from './end-of-log.ts'
import { becomesFree, findFreePort } from './free-port.ts'
import { commandLineOf, signal } from './process-identity.ts'
import { outlive, reapWithThisProcess } from './reaper.ts'
import type { ServerKind } from './server-kind.ts'
import type { ServerName } from './server-name.ts'
import { waitUntil } from './wait-until.ts'

export interface StartOptions {
  /**
   * The server's own folder: its data, configuration and log. Made when missing, kept when the
   * server stops.
   */
  folder: string
  /** 0 (default) for a free one. */
  port?: number
  /** Whether the server ends when this process does, however it ends; false by default. */
  endsWithThisProcess?: boolean
  /** Told what takes long, such as a download; nobody by default. */
  say?: (line: string) => void
  /**
   * Called as soon as the process is there, long before it is ready, so that it can be found again
   * after a crash.
   */
  onSpawn?: (server: LocalServer) => Promise<void>
}

/** Milliseconds: recovery after a crash may have to read everything that was stored. */
const readyTimeoutMs = 60_000
/** Milliseconds for an orderly stop; then it is killed. */
const stopTimeoutMs = 20_000
/** Another process can take a free port before the server does. */
const freePortAttempts = 3
/** Of a server that does not come up. */
const logLinesShown = 12
/** A larger log is begun anew at the next start. */
const logBytesMax = 16 * 1024 * 1024

/**
 * One server process on this machine, listening on 127.0.0.1 only.
 *
 * It is a process of its own in its own session: Ctrl-C in the terminal does not reach it, and it
 * outlives its parent unless told otherwise. It is therefore held by its process id, and no signal
 * is sent before the process with that id has proved to be this server: ids are reused.
 */
export class LocalServer implements AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly folder: string
  readonly #kind: ServerKind
  readonly #options: StartOptions
  #pid = 0

  private constructor(kind: ServerKind, port: number, options: StartOptions) {
    this.#kind = kind
    this.#options = options
    this.port = port
    this.url = kind.url(port)
    this.folder = resolve(options.folder)
  }

  /**
   * Starts the server and resolves once it serves.
   *
   * @throws BinaryUnavailable when its program cannot be had
   * @throws Error with the end of its log when it does not come up
   */
  static async start(kind: ServerKind, options: StartOptions): Promise<LocalServer> {
    const binary = await findBinary(kind.name, options.say ?? (() => {}))
    const { port = 0 } = options
    if (port !== 0) {
      const server = new LocalServer(kind, port, options)
      await server.#launch(binary)
      return server
    }
    for (let attempt = 1; ; attempt += 1) {
      const server = new LocalServer(kind, await findFreePort(), options)
      try {
        await server.#launch(binary)
        return server
      } catch (error) {
        if (attempt === freePortAttempts) throw error
      }
    }
  }

  /** The server that another process left running, or undefined when it no longer runs. */
  static async adopt(
    kind: ServerKind,
    pid: number,
    port: number,
    options: StartOptions,
  ): Promise<LocalServer | undefined> {
    const server = new LocalServer(kind, port, options)
    server.#pid = pid
    return (await server.isRunning()) ? server : undefined
  }

  /**
   * The server that runs on this folder, as it has said itself, whether anybody has written it down
   * or not.
   */
  static async adoptFrom(
    kind: ServerKind,
    options: StartOptions,
  ): Promise<LocalServer | undefined> {
    try {
      const text = await readFile(pidFileOf(kind, resolve(options.folder)), 'utf8')
      const [port, pid] = text.trim().split(' ').map(Number)
      return port && pid ? await LocalServer.adopt(kind, pid, port, options) : undefined
    } catch (error) {
      // None was ever started there.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  get name(): ServerName {
    return this.#kind.name
  }

  get pid(): number {
    return this.#pid
  }

  get logFile(): string {
    return join(this.folder, `${this.name}.log`)
  }

  /** Whether the process is there; it may be paused or not serve yet. */
  async isRunning(): Promise<boolean> {
    const commandLine = await commandLineOf(this.#pid)
    if (commandLine === undefined) return false
    // redis-server replaces its command line by its name and address.
    const title = `127.0.0.1:${this.port}`
    const { program } = serverBinaries[this.name]
    return (
      commandLine.includes(this.folder) ||
      (commandLine.includes(program) && commandLine.includes(title))
    )
  }

  /** Resolves once the server answers its clients. */
  async untilServing(): Promise<void> {
    await waitUntil(() => this.#kind.isServing(this.port), {
      timeoutMs: readyTimeoutMs,
      what: `${this.name} on port ${this.port} (log: ${this.logFile})`,
    })
  }

  /** Stops it in good order, by force when it takes too long. Harmless when it is gone. */
  async stop(): Promise<void> {
    if (!(await this.#signal('SIGTERM'))) return
    // A paused process takes the signal only when it goes on.
    await this.#signal('SIGCONT')
    try {
      await this.#untilGone(stopTimeoutMs)
    } catch {
      // It had its time. Its data survive a kill, as they must.
      await this.kill()
    }
  }

  /** Ends it the hard way, as a crash would, and resolves when it is gone. */
  async kill(name: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (await this.#signal(name)) await this.#untilGone(stopTimeoutMs)
  }

  /** Freezes the process: connections stay open and nothing answers. */
  async pause(): Promise<void> {
    if (!(await this.#signal('SIGSTOP')) || process.platform !== 'linux') return
    await waitUntil(() => standsStill(this.pid), {
      timeoutMs: stopTimeoutMs,
      what: `${this.name} to stand still`,
    })
  }

  async resume(): Promise<void> {
    await this.#signal('SIGCONT')
  }

  /** Starts it again on the same port and data, after stopping it if it still runs. */
  async restart(): Promise<void> {
    await this.stop()
    await this.#launch(await findBinary(this.name, this.#options.say ?? (() => {})))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #launch(binary: Binary): Promise<void> {
    // Otherwise a stranger's answer on this port would pass for ours.
    if (!(await becomesFree(this.port))) {
      throw new Error(`Port ${this.port} for ${this.name} is in use by another process`)
    }
    await mkdir(this.folder, { recursive: true })
    const args = await this.#kind.prepare(this.folder, this.port)
    const child = await this.#spawn(binary, args)
    await this.#options.onSpawn?.(this)
    const ended = () => child.exitCode !== null || child.signalCode !== null
    try {
      await waitUntil(async () => ended() || (await this.#kind.isServing(this.port)), {
        timeoutMs: readyTimeoutMs,
        what: `${this.name} on port ${this.port}`,
      })
      if (ended()) throw new Error(`${this.name} ended at once`)
    } catch (error) {
      await this.kill()
      const { message } = error as Error
      throw new Error(`${message}; the end of its log:\n${endOfLog(this.logFile, logLinesShown)}`, {
        cause: error,
      })
    }
  }

  async #spawn(binary: Binary, args: string[]): Promise<ChildProcess> {
    const log = openSync(this.logFile, (await sizeOf(this.logFile)) > logBytesMax ? 'w' : 'a')
    try {
      // It says itself who it is before it becomes the server: whoever starts it may be killed
      // before writing that down, and a second server on the same data would be the next one's.
      const introduce = 'echo "$1 $$" > "$2" && shift 2 && exec "$@"'
      const words = [`${this.port}`, pidFileOf(this.#kind, this.folder), binary.path, ...args]
      const child = spawn('/bin/sh', ['-c', introduce, 'sh', ...words], {
        cwd: this.folder,
        env: environmentOf(binary),
        detached: true,
        stdio: ['ignore', log, log],
      })
      await new Promise<void>((spawned, failed) => {
        child.once('spawn', spawned)
        child.once('error', failed)
      })
      child.unref()
      this.#pid = child.pid ?? 0
      if (this.#options.endsWithThisProcess === true) {
        const { pid } = this
        reapWithThisProcess(pid)
        child.once('exit', () => outlive(pid))
      }
      return child
    } finally {
      closeSync(log)
    }
  }

  async #signal(name: NodeJS.Signals): Promise<boolean> {
    return (await this.isRunning()) && signal(this.#pid, name)
  }

  async #untilGone(timeoutMs: number): Promise<void> {
    await waitUntil(async () => !(await this.isRunning()), {
      timeoutMs,
      what: `the end of ${this.name} (process ${this.#pid})`,
    })
  }
}

const pidFileOf = ({ name }: ServerKind, folder: string): string => join(folder, `${name}.pid`)

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch {
    // Not there yet.
    return 0
  }
}

/** Whether all threads have been stopped: each stops by itself, some moments after the signal. */
async function standsStill(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  const states = await Promise.all(
    threads.map(async (thread) => {
      const text = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '')
      return text.slice(text.lastIndexOf(')') + 2).at(0)
    }),
  )
  return states.every((state) => state === 'T' || state === undefined)
}
