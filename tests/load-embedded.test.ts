import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { spacegridCommand } from '@spacegrid/proof/support/spacegrid-command'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'
import { waitUntil } from 'spacegrid/servers/wait-until'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/**
 * The grid as `npm start` runs it, in a process that can be killed and started again on the same
 * data.
 */
class EmbeddedProcess {
  readonly url: string
  readonly #environment: NodeJS.ProcessEnv
  #process: ChildProcess | undefined

  constructor(port: number, adminPort: number, dataDirectory: string) {
    this.url = `http://127.0.0.1:${port}`
    this.#environment = {
      ...process.env,
      PORT: String(port),
      ADMIN_PORT: String(adminPort),
      DATA_DIR: dataDirectory,
      LOG_LEVEL: 'error',
    }
  }

  async start(): Promise<void> {
    const files = ['ticketing', 'auction'].map((name) => `processing-units/${name}/space.ts`)
    const child = spawn(process.execPath, [spacegridProgram, 'start', ...files], {
      env: this.#environment,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    if (child.pid !== undefined) reapWithThisProcess(child.pid)
    this.#process = child
    const ready = `http://127.0.0.1:${this.#environment.ADMIN_PORT}/health/ready`
    await waitUntil(async () => (await fetch(ready)).ok, {
      timeoutMs: 30_000,
      what: 'the grid to be ready',
    })
  }

  /** Resolves when users are there. */
  async isUnderLoad(): Promise<void> {
    const status = `http://127.0.0.1:${this.#environment.ADMIN_PORT}/status`
    const isBusy = async () => {
      const told = (await (await fetch(status)).json()) as {
        readonly spaces: { readonly ticketing: { readonly commandsPerSecond: number } }
      }
      return told.spaces.ticketing.commandsPerSecond > 5
    }
    await waitUntil(isBusy, { timeoutMs: 30_000, what: 'commands of users' })
  }

  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

async function load(...argv: string[]): Promise<{ exitCode: number; text: string }> {
  const { code, output, errors } = await spacegridCommand(['load', ...argv])
  return { exitCode: code, text: output + errors }
}

describe('spiky users at the embedded grid', { timeout: 120_000 }, () => {
  let grid: EmbeddedProcess

  beforeEach(async () => {
    const ports = [await findFreePort(), await findFreePort()] as const
    grid = new EmbeddedProcess(...ports, await temporaryFolder('load'))
    await grid.start()
  })

  afterEach(() => grid.kill())

  const spike = ['--profile', 'spike', '--rate', '20', '--peak', '150', '--duration', '5']

  // architecture.md, section 2: committed commands are strictly serializable across all units of a
  // space.
  it.each(['ticketing', 'auction'])('passes the audit of %s', async (application) => {
    const argv = ['--url', grid.url, '--application', application, '--think', '0.3']
    const { exitCode, text } = await load(...argv, ...spike)
    expect(text).toContain('Audit passed.')
    expect(text).toContain('failed    0 ')
    expect(exitCode).toBe(0)
  })

  // architecture.md, invariant 5: an acknowledged command is never lost, whatever is killed.
  it('passes the audit when the grid is killed under load and started again', async () => {
    const retries = ['--retries', '12', '--think', '0.5', '--confirm', '0.9', '--browse', '0']
    const loading = load('--url', grid.url, ...retries, '--rate', '60', '--duration', '6')
    await grid.isUnderLoad()
    await grid.kill()
    await grid.start()
    const { exitCode, text } = await loading
    expect(text).toContain('Audit passed.')
    // The kill was felt: requests had to be sent again.
    const [, requests, attempts] = /requests (\d+), HTTP attempts (\d+)/.exec(text) ?? []
    expect(Number(attempts)).toBeGreaterThan(Number(requests))
    expect(exitCode).toBe(0)
  })
})
