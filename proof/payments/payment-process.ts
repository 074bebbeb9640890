import { type ChildProcess, spawn } from 'node:child_process'
import { ownProgram } from 'spacegrid/own-program'
import { outlive, reapWithThisProcess } from 'spacegrid/servers/reaper'
import type { Victim } from '../chaos/victim.ts'

const program = ownProgram(new URL('./service.ts', import.meta.url))
const readyMsMax = 60_000
const startAgainMs = 300

/** The payment service as a process that can be killed like all others. It ends with this one. */
export class PaymentProcess implements Victim {
  readonly role = 'payments'
  readonly name = 'payments'
  readonly #environment: Readonly<Record<string, string>>
  #child: ChildProcess | undefined
  #starts = 0

  /** @param ledger a file */
  constructor(nats: string, ledger: string) {
    this.#environment = { NATS_URL: nats, LEDGER: ledger }
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** It ends where there is no NATS just then, and is started again as a supervisor would. */
  async restart(): Promise<void> {
    const until = performance.now() + readyMsMax
    while (!(await this.#start())) {
      if (performance.now() > until) throw new Error('the payment service does not come back')
      await new Promise((wake) => setTimeout(wake, startAgainMs))
    }
  }

  #start(): Promise<boolean> {
    const env = { ...process.env, ...this.#environment, SEED: String(++this.#starts) }
    const words = [...process.execArgv, program]
    const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    const { pid } = child
    if (pid !== undefined) {
      reapWithThisProcess(pid)
      child.once('exit', () => outlive(pid))
    }
    return new Promise((resolve) => {
      child.stdout?.once('data', () => resolve(true))
      child.once('exit', () => resolve(false))
    })
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }

  async pause(): Promise<void> {
    this.#child?.kill('SIGSTOP')
  }

  async resume(): Promise<void> {
    this.#child?.kill('SIGCONT')
  }
}
