import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'
import { ProcessCluster } from 'spacegrid/cluster/process-cluster'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { findFreePort } from 'spacegrid/servers/free-port'
import { runFacts } from './report/run-facts.ts'

interface Options {
  readonly orders: number
  readonly open: number
  readonly samples: number
  readonly name: string
  readonly results: string
}

/** Orders of one command. */
const atOnce = 500
const pollMs = 200
const settleMsMax = 30 * 60_000

/** A unit, as it is when it has started anew from what is stored. */
interface UnitFigures {
  readonly entries: number
  /** Resident memory of its process. */
  readonly megabytes: number
  readonly startSeconds: number
}

const say = (line: string) => void process.stdout.write(`${line}\n`)

/** One shop on real servers, every component a process. */
class Shop implements AsyncDisposable {
  readonly #cluster: ProcessCluster
  readonly #folder: string

  constructor(cluster: ProcessCluster, folder: string) {
    this.#cluster = cluster
    this.#folder = folder
  }

  static async open(archive: 'yes' | 'no'): Promise<Shop> {
    const folder = await mkdtemp(join(tmpdir(), 'spacegrid-archive-'))
    const cluster = await ProcessCluster.start({
      units: 1,
      application: {
        files: [fileURLToPath(new URL('./archive/orders-space.ts', import.meta.url))],
        spaces: ['shop'],
      },
      dataDirectory: folder,
      port: await findFreePort(),
      serverPorts: 'free',
      environment: { ARCHIVE: archive, LOG_LEVEL: 'warn' },
    })
    return new Shop(cluster, folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async takeIn(count: number, status: string, from: number): Promise<void> {
    for (let at = from; at < from + count; at += atOnce)
      await this.command('takeIn', { from: at, count: Math.min(atOnce, from + count - at), status })
  }

  async command(name: string, input: object): Promise<unknown> {
    const headers = { 'content-type': 'application/json' }
    return await this.#ask(`commands/${name}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(input),
    })
  }

  async get(path: string): Promise<unknown> {
    return await this.#ask(path)
  }

  async #ask(path: string, request: RequestInit = {}): Promise<unknown> {
    const { http } = this.#cluster.urls
    const answer = await fetch(`${http}/shop/${path}`, request)
    const body: unknown = await answer.json()
    if (answer.ok) return body
    // A log that is full, or a unit that has much to do, says when to come again.
    if (answer.status !== 503 && answer.status !== 507)
      throw new Error(`${path}: ${answer.status} ${JSON.stringify(body)}`)
    await new Promise((resolve) => setTimeout(resolve, pollMs))
    return await this.#ask(path, request)
  }

  /** Until the unit has no more entries than these, and the store all that there is. */
  async settled(entries: number, told: (inMemory: number) => void): Promise<void> {
    const from = performance.now()
    for (;;) {
      const unit = await this.#status(this.#unit)
      const writer = await this.#status(this.#role('data-writer'))
      told(unit.entries)
      if (unit.entries <= entries && writer.position >= unit.position) return
      if (performance.now() - from > settleMsMax)
        throw new Error(`There are ${unit.entries} entries in memory, of ${entries}`)
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  }

  /** Started anew: from what is stored, and with a process that has done nothing else. */
  async restarted(): Promise<UnitFigures> {
    const unit = this.#unit
    await unit.stop()
    const from = performance.now()
    const again = await this.#cluster.restart(unit)
    const startSeconds = (performance.now() - from) / 1000
    const { entries } = await this.#status(again)
    const status = await readFile(`/proc/${again.pid}/status`, 'utf8')
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])
    return { entries, megabytes: kilobytes / 1024, startSeconds }
  }

  get #unit(): ComponentProcess {
    return this.#cluster.units[0] as ComponentProcess
  }

  #role(role: string): ComponentProcess {
    const found = this.#cluster.components.find(({ settings }) => settings.role === role)
    if (!found) throw new Error(`There is no ${role}`)
    return found
  }

  async #status({ settings }: ComponentProcess) {
    const answer = await fetch(`http://127.0.0.1:${settings.adminPort}/status`)
    const { spaces } = (await answer.json()) as {
      readonly spaces: Readonly<Record<string, { entries: number; position: number }>>
    }
    return spaces.shop ?? { entries: 0, position: 0 }
  }
}

/** Milliseconds that each took: the middle one and the one of a hundred. */
async function latency(count: number, ask: (at: number) => Promise<unknown>) {
  const took: number[] = []
  for (let at = 0; at < count; at++) {
    const from = performance.now()
    await ask(at)
    took.push(performance.now() - from)
  }
  took.sort((one, other) => one - other)
  const at = (share: number) => took[Math.min(count - 1, Math.floor(share * count))] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}

async function run({ orders, open, samples, name, results }: Options): Promise<void> {
  const facts = runFacts('npm run bench:archive --')
  const figures: Record<string, unknown> = { orders, open }
  const row = (what: string, value: string) => say(`${what.padEnd(52)} ${value}`)
  let base: UnitFigures
  {
    await using shop = await Shop.open('no')
    await shop.takeIn(open, 'open', 0)
    await shop.settled(open, () => undefined)
    base = await shop.restarted()
  }
  row(`${open} orders, no archive: entries in memory`, String(base.entries))
  row('  memory of the unit', `${base.megabytes.toFixed(0)} MB`)
  await using shop = await Shop.open('yes')
  await shop.takeIn(open, 'open', 0)
  const from = performance.now()
  await shop.takeIn(orders - open, 'closed', open)
  // Beside the orders: what says that something has left.
  const inMemoryMax = open + 1024
  await shop.settled(inMemoryMax, () => undefined)
  const seconds = (performance.now() - from) / 1000
  const anew = await shop.restarted()
  row(`${orders} orders, ${open} open: entries in memory`, String(anew.entries))
  row('  memory of the unit', `${anew.megabytes.toFixed(0)} MB`)
  row('  taken in, archived and stored', `${Math.round((orders - open) / seconds)}/s`)
  row(
    '  the unit starts anew in',
    `${anew.startSeconds.toFixed(1)} s (${base.startSeconds.toFixed(1)} s)`,
  )
  const some = (at: number, count: number) => Math.floor((((at * 7919) % 99_991) / 99_991) * count)
  const closed = (at: number) => `order-${open + some(at, orders - open)}`
  const measured = {
    'query, in memory': await latency(samples, (at) =>
      shop.get(`queries/order?id=order-${some(at, open)}`),
    ),
    'query, archived': await latency(samples, (at) => shop.get(`queries/order?id=${closed(at)}`)),
    'archive, by key': await latency(samples, (at) => shop.get(`archive/orders/${closed(at)}`)),
    'archive, by index': await latency(samples, (at) =>
      shop.get(`archive/orders?index=byCustomer&equals=customer-${some(at, 10_000)}&limit=20`),
    ),
    'command that brings one back': await latency(samples, (at) =>
      shop.command('reopen', { id: closed(at) }),
    ),
  }
  for (const [what, { p50, p99 }] of Object.entries(measured))
    row(`  ${what}: p50, p99`, `${p50.toFixed(2)} ms, ${p99.toFixed(2)} ms`)
  const more = anew.megabytes - base.megabytes
  row('memory above that of the open orders alone', `${more.toFixed(0)} MB`)
  if (anew.entries > inMemoryMax) throw new Error(`${anew.entries} entries are in memory`)
  Object.assign(figures, { base, anew, archivedPerSecond: (orders - open) / seconds, measured })
  const file = join(results, `${name}.json`)
  await writeFile(file, `${JSON.stringify({ ...facts, figures }, null, 2)}\n`)
  say(file)
}

await runCommand(
  new Command('npm run bench:archive --')
    .description(
      'Orders that have left memory: what a unit holds then, beside one that has never had them, and what it costs to need one. On real servers, every component a process.',
    )
    .option('--orders <number>', 'all orders', whole(1000, 10_000_000), 1_000_000)
    .option('--open <number>', 'those that stay in memory', whole(100, 1_000_000), 50_000)
    .option('--samples <number>', 'requests of each kind', whole(1, 100_000), 300)
    .option('--name <name>', 'name of the result file', 'archive')
    .option(
      '--results <folder>',
      'where it is written',
      fileURLToPath(new URL('./results', import.meta.url)),
    )
    .action(run),
)
