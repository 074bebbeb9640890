import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { spacegridProgram } from 'spacegrid/own-program'
import { findFreePort } from 'spacegrid/servers/free-port'
import { outlive, reapWithThisProcess } from 'spacegrid/servers/reaper'
import { waitUntil } from 'spacegrid/servers/wait-until'
import type { Goal, GoalRow } from './goal.ts'
import type { GoalContext } from './goal-context.ts'
import { short, spreadOf } from './spread.ts'

const eventId = 'start-bench'
const emptyQuery = '/ticketing/queries/ordersByCustomer?customerId=nobody'

/**
 * From the start of the embedded grid's process until it answers a query, with nothing stored and
 * with 100,000 entries.
 */
export const programStart: Goal = {
  name: 'program-start',
  async measure(context) {
    const rounds = context.settings.small ? 1 : context.settings.rounds
    const empty: number[] = []
    for (let round = 0; round < rounds; round++) {
      context.say(`npm start, empty, round ${round + 1}`)
      const grid = await StartedGrid.start(await context.servers.folder(), emptyQuery)
      empty.push(grid.servingMs)
      await grid.stop()
    }
    const seats = context.size(100_000, 1_000)
    const folder = await storeSeats(context, seats)
    const stored: number[] = []
    for (let round = 0; round < rounds; round++) {
      context.say(`npm start, ${seats} entries stored, round ${round + 1}`)
      const grid = await StartedGrid.start(
        folder,
        `/ticketing/queries/availability?eventId=${eventId}`,
      )
      stored.push(grid.servingMs)
      await grid.stop()
    }
    return {
      rows: [
        row('npm start, nothing stored, until a query is answered', 2, empty),
        row(
          `npm start, ${seats.toLocaleString('en')} stored entries, until one is read`,
          3,
          stored,
        ),
      ],
    }
  },
}

function row(what: string, goalSeconds: number, servingMs: readonly number[]): GoalRow {
  const { median, min, max } = spreadOf(servingMs)
  return {
    what,
    goal: `serving within ${goalSeconds} s`,
    measured: `${short(median / 1000)} s`,
    note: `${short(min / 1000)} to ${short(max / 1000)} s`,
    met: median <= goalSeconds * 1000,
  }
}

/** @returns the folder that they are in */
async function storeSeats(context: GoalContext, seats: number): Promise<string> {
  const folder = await context.servers.folder()
  const grid = await StartedGrid.start(folder, emptyQuery)
  context.say(`storing ${seats} entries`)
  const seatsPerRow = 50
  const sections = [{ section: 'A', rows: seats / seatsPerRow, seatsPerRow, price: 10 }]
  const startsAt = new Date(Date.now() + 86_400_000).toISOString()
  const response = await fetch(`${grid.url}/ticketing/commands/createEvent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: 'ack=persisted' },
    body: JSON.stringify({ eventId, name: 'Start', startsAt, sections }),
  })
  if (!response.ok) throw new Error(`createEvent: ${response.status} ${await response.text()}`)
  await grid.stop()
  return folder
}

/** The process of `npm start`, on free ports. */
class StartedGrid {
  readonly url: string
  readonly servingMs: number
  readonly #child: ChildProcess

  static async start(dataDirectory: string, path: string): Promise<StartedGrid> {
    const [port, adminPort] = [await findFreePort(), await findFreePort()]
    const from = performance.now()
    const child = spawn(
      process.execPath,
      [
        '--max-semi-space-size=16',
        spacegridProgram,
        'start',
        ...['ticketing', 'auction'].map((name) =>
          fileURLToPath(new URL(`../../processing-units/${name}/space.ts`, import.meta.url)),
        ),
      ],
      {
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          PORT: String(port),
          ADMIN_PORT: String(adminPort),
          DATA_DIR: dataDirectory,
          LOG_LEVEL: 'error',
        },
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    )
    const pid = child.pid as number
    reapWithThisProcess(pid)
    child.once('exit', () => outlive(pid))
    const url = `http://127.0.0.1:${port}`
    await waitUntil(
      async () => {
        if (child.exitCode !== null) throw new Error(`npm start has ended with ${child.exitCode}`)
        const ready = await fetch(`http://127.0.0.1:${adminPort}/health/ready`)
        return ready.ok && (await fetch(url + path)).ok
      },
      { timeoutMs: 60_000, what: `an answer of npm start to ${path}`, intervalMs: 5 },
    )
    return new StartedGrid(url, performance.now() - from, child)
  }

  private constructor(url: string, servingMs: number, child: ChildProcess) {
    this.url = url
    this.servingMs = servingMs
    this.#child = child
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exited
  }
}
