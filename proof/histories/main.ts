import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { failureOf } from 'spacegrid/command-line/failure'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { HistoryRecord } from './history-record.ts'
import { runHistory } from './history-run.ts'
import { judgeHistory } from './judge-history.ts'
import { elleHistory } from './serializable/elle-history.ts'
import { summaryText, verdictText } from './verdict-text.ts'

interface Options {
  readonly units: number
  readonly partitions: number
  readonly seconds: number
  readonly clients: number
  readonly seed?: number
  readonly keep: boolean
  readonly judge?: string
  readonly elle?: string
}

const command = new Command('npm run histories --')
  .description(
    'Records what clients of a real cluster see while processes of it are killed and paused, and judges it from outside: registers with compare-and-set by porcupine (linearizable), commands over several lists by the cycles in what depends on what, as Elle does (strictly serializable).',
  )
  .option('--units <number>', 'processing units', whole(1, 16), 4)
  .option(
    '--partitions <number>',
    'of the space; commands over several lists then go across partitions',
    whole(1, 1024),
    1,
  )
  .option('--seconds <number>', 'how long', whole(1, 86_400), 30)
  .option('--clients <number>', 'clients at the same time', whole(1, 200), 16)
  .option(
    '--seed <number>',
    'the same plan of faults and the same choices of clients again; by default a new one, which is printed',
    whole(0, 2 ** 31),
  )
  .option('--judge <file>', 'judge a history.jsonl that was kept, and run nothing')
  .option(
    '--elle <file>',
    'write the history of lists there as Elle reads it, to have it judged by others',
  )
  .option('--keep', 'keep history, data and logs also when nothing was found', false)
  .addHelpText(
    'after',
    `
Everything runs on this machine, on free ports, in a temporary folder that is kept when something was found. Needs Go, once, to build the check of registers.
Ctrl-C ends the run early; the verdict follows. Exit code: 0 nothing contradicts the promise, 1 something does, or did not come back, 2 wrong options.
The seed does not fix how the processes interleave.`,
  )
  .action(runAndEnd)

/** Connections to a grid that is gone may still be open: the process does not wait for them. */
async function runAndEnd(options: Options): Promise<void> {
  const isGood = await (options.judge === undefined
    ? run(options)
    : judge(options.judge, options)
  ).catch((error) => {
    throw failureOf(error)
  })
  process.exit(isGood ? 0 : 1)
}

async function judge(file: string, options: Options): Promise<boolean> {
  const record = await HistoryRecord.read(file)
  await exportTo(options, record)
  const verdict = await judgeHistory(record)
  say(verdictText(verdict))
  return verdict.isGood
}

async function exportTo({ elle }: Options, { lists }: HistoryRecord): Promise<void> {
  if (elle !== undefined) await writeFile(elle, elleHistory(lists))
}

async function run(options: Options): Promise<boolean> {
  const {
    units,
    partitions,
    seconds,
    clients,
    keep,
    seed = Math.floor(Math.random() * 2 ** 31),
  } = options
  const folder = await mkdtemp(join(tmpdir(), 'spacegrid-histories-'))
  say(`Seed ${seed}; history, data and logs in ${folder}\n`)
  const interrupt = new AbortController()
  // The first signal ends the run, and the verdict follows; the second one ends the process.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())
  const startedAt = performance.now()
  const passed = () => ((performance.now() - startedAt) / 1000).toFixed(1)
  let isGood = false
  try {
    const summary = await runHistory({
      units,
      partitions,
      seconds,
      clients,
      seed,
      folder,
      signal: interrupt.signal,
      told: ({ fault, victims }) => say(`${passed()} s  ${fault} ${victims.join(', ')}\n`),
    })
    isGood = summary.isGood
    await exportTo(options, summary.record)
    say(
      `\n${clients} clients of ${units} units, ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}, for ${seconds} s, seed ${seed}\n${summaryText(summary)}${verdictText(summary)}`,
    )
  } finally {
    if (isGood && !keep) await rm(folder, { recursive: true })
    else say(`History, data and logs: ${folder}\n`)
  }
  return isGood
}

function say(text: string): void {
  process.stdout.write(text)
}

await runCommand(command)
