import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import { reapWithThisProcess } from 'spacegrid/servers/reaper'

/** A program, and the environment in which it cannot work. */
export interface FailingProgram {
  readonly what: string
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** What it wants to be shown at its administration port. */
  readonly token: string
  /** In what it writes: what it fails for. */
  readonly until: RegExp
}

const givesUpMs = 60_000
const pauseMs = 100

/**
 * Runs it until it has ended, or has said what it fails for, and gives everything that others can
 * see of it: what it writes, its command line, and what it answers at its administration port.
 */
export async function everythingSeenOf(program: FailingProgram): Promise<Record<string, string>> {
  const adminPort = await findFreePort()
  const child = spawn(process.execPath, [spacegridProgram, ...program.words], {
    env: {
      ...process.env,
      ...{ ADMIN_PORT: String(adminPort), PORT: String(await findFreePort()) },
      ...program.environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid = 0 } = child
  reapWithThisProcess(pid)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  const seen: Record<string, string> = {}
  const read = (what: string) => readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '')
  const begun = performance.now()
  while (!isOver() && !program.until.test(output) && performance.now() - begun < givesUpMs) {
    seen.cmdline ||= await read('cmdline')
    await new Promise((wake) => setTimeout(wake, pauseMs))
  }
  for (const path of ['/health/live', '/health/ready', '/status', '/metrics', '/nothing'])
    for (const headers of [{}, { authorization: `Bearer ${program.token}` }])
      seen[`${path} ${Object.keys(headers)}`] = await fetch(
        `http://127.0.0.1:${adminPort}${path}`,
        {
          headers,
          signal: AbortSignal.timeout(2000),
        },
      )
        .then((response) => response.text())
        .catch(() => '')
  child.kill('SIGTERM')
  await ended
  return { ...seen, output }
}
