import { setTimeout as pause } from 'node:timers/promises'
import { Command, Option } from 'commander'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { BenchServers } from './processes/bench-servers.ts'
import { nodeFlags, RunningSubject } from './processes/running-subject.ts'
import type { LongestTurn } from './processes/turn-watch.ts'
import { HttpConnection } from './subjects/http-connection.ts'
import type { PersistenceOptions } from './subjects/persistence.ts'
import type { TicketingOptions } from './subjects/ticketing.ts'

interface Options {
  readonly on: 'embedded' | 'nats' | 'both'
  readonly events: number
  readonly seats: number
  readonly flag?: readonly string[]
}

/** What one reader has met. */
interface Reads {
  readonly answered: number
  readonly longestMs: number
}

const seatsPerRow = 100
const readEveryMs = 5
const ticketing = new URL('./subjects/ticketing.ts', import.meta.url)
const persistence = new URL('./subjects/persistence.ts', import.meta.url)

const print = (line: string) => process.stdout.write(`${line}\n`)

/** Everything in one process. */
async function onEmbedded(servers: BenchServers, options: Options): Promise<void> {
  const settings: TicketingOptions = { name: 'embedded', dataDirectory: await servers.folder() }
  await using grid = await RunningSubject.start('embedded', ticketing, settings, flags(options))
  await measure('embedded, one process', grid, { grid }, options)
}

/**
 * Two units, of which only one is asked, pump and writer with the store in a process of their own.
 */
async function onServers(servers: BenchServers, options: Options): Promise<void> {
  const natsUrl = await servers.url('nats')
  const start = (name: string) => {
    const settings: TicketingOptions = { name, natsUrl }
    return RunningSubject.start(name, ticketing, settings, flags(options))
  }
  await using executing = await start('executing')
  await using melding = await start('melding')
  const settings: PersistenceOptions = {
    natsUrl,
    mongodbUrl: await servers.url('mongodb'),
    database: 'stops',
    space: 'ticketing',
  }
  await using behind = await RunningSubject.start('behind', persistence, settings, flags(options))
  for (const part of ['reader', 'pump', 'writer']) await behind.request('start', part)
  await measure('JetStream, a process each', executing, { executing, melding, behind }, options)
}

const flags = ({ flag = [] }: Options): readonly string[] => [...nodeFlags, ...flag]

async function measure(
  title: string,
  asked: RunningSubject,
  all: Readonly<Record<string, RunningSubject>>,
  options: Options,
): Promise<void> {
  const ports = new Map<string, number>()
  for (const [name, subject] of Object.entries(all))
    if (name !== 'behind') ports.set(name, await subject.request<number>('port'))
  const askedPort = await asked.request<number>('port')
  await createEvent(askedPort, 'before', seatsPerRow)
  await pause(500)
  for (const subject of Object.values(all)) await subject.request('watchTurns')
  const stop = new AbortController()
  const readers = [...ports].map(
    async ([name, port]) => [name, await readUntil(port, stop.signal)] as const,
  )
  // Waited for at the end; until then nobody else would hear them fail.
  const read = Promise.all(readers)
  read.catch(() => undefined)
  const from = performance.now()
  await Promise.all(
    Array.from({ length: options.events }, (_, number) =>
      createEvent(askedPort, `event${number}`, options.seats),
    ),
  )
  const tookMs = performance.now() - from
  const position = await asked.request<number>('position')
  for (const [name, subject] of Object.entries(all))
    if (name !== 'behind')
      while ((await subject.request<number>('position')) < position) await pause(5)
  await all.behind?.request('reach', 'writer', position)
  // What the pump and the writer of an embedded grid do about it comes behind the answers.
  await pause(3000)
  stop.abort()
  const reads = new Map(await read)
  print(
    `${title}: ${options.events} x createEvent of ${options.seats} seats in ${tookMs.toFixed(0)} ms`,
  )
  for (const [name, subject] of Object.entries(all)) {
    const { ms, cpuMs } = await subject.request<LongestTurn>('longestTurn')
    const met = reads.get(name)
    const of = met
      ? `, longest read ${met.longestMs.toFixed(1)} ms of ${met.answered} answered`
      : ' (pump, writer, reader)'
    print(
      `  ${name.padEnd(10)} longest turn ${ms.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms of processor time${of}`,
    )
  }
}

async function createEvent(port: number, eventId: string, seats: number): Promise<void> {
  const sections = [{ section: 'A', rows: Math.ceil(seats / seatsPerRow), seatsPerRow, price: 50 }]
  const response = await fetch(`http://127.0.0.1:${port}/ticketing/commands/createEvent`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ eventId, name: eventId, startsAt: '2030-01-01T20:00:00Z', sections }),
  })
  const text = await response.text()
  if (!response.ok) process.stderr.write(`createEvent was answered ${response.status}: ${text}\n`)
}

/**
 * Asks every few milliseconds, one request behind the other; a stop is as long as the longest
 * answer.
 */
async function readUntil(port: number, signal: AbortSignal): Promise<Reads> {
  const connection = await HttpConnection.open(port)
  const request = `GET /ticketing/queries/availability?eventId=before HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
  let answered = 0
  let longestMs = 0
  while (!signal.aborted) {
    const from = performance.now()
    const status = await connection.send(request)
    if (status !== 200) throw new Error(`A query was answered ${status}`)
    longestMs = Math.max(longestMs, performance.now() - from)
    answered++
    await pause(readEveryMs)
  }
  connection.close()
  return { answered, longestMs }
}

async function run(options: Options): Promise<void> {
  await using servers = await BenchServers.open(print)
  if (options.on !== 'nats') await onEmbedded(servers, options)
  if (options.on !== 'embedded') await onServers(servers, options)
}

await runCommand(
  new Command('npm run bench:stops --')
    .description('How long reads stop while large transactions are executed and melded.')
    .addOption(
      new Option('--on <log>', 'what the log is')
        .choices(['embedded', 'nats', 'both'])
        .default('both'),
    )
    .option('--events <number>', 'large transactions sent together', whole(1, 100), 10)
    .option('--seats <number>', 'entries of each', whole(seatsPerRow, 100_000), 100_000)
    .option('--flag <flags...>', "further flags of the subjects' Node, as --cpu-prof")
    .action(run),
)
