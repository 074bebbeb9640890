import { readEnvironment } from '@spacegrid/grid/program/environment'
import { type Command, Option } from 'commander'
import { logsMeant } from '../audit/logs-meant.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { keptAlive } from '../command-line/kept-alive.ts'
import { elsewhereMs, ProgressLine } from '../command-line/progress-line.ts'
import type { Progress } from '../recover/exact-copies.ts'
import { type Findings, lookAround } from '../recover/findings.ts'
import { carryOut, planLog } from '../recover/log-recovery.ts'
import { openGrid, type RecoveryGrid, type RecoveryPorts } from '../recover/recovery-grid.ts'
import {
  findingsText,
  logPlanData,
  logPlanText,
  storePlanData,
  storePlanText,
} from '../recover/recovery-text.ts'
import { Refused } from '../recover/refused.ts'
import { planStore, type StorePlan } from '../recover/store-recovery.ts'
import { rewriteStore } from '../recover/store-rewriting.ts'

interface Options {
  readonly from?: 'mongodb' | 'store'
  readonly store?: boolean
  readonly space?: readonly string[]
  readonly asItIs?: boolean
  readonly discardStored?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/** One space, found and to be recovered. */
interface Case {
  readonly grid: RecoveryGrid
  readonly ports: RecoveryPorts
  readonly findings: Findings
  readonly options: Options
  readonly line: ProgressLine
  readonly progress: Progress
}

/** What was planned for a space, and what came of it. */
interface Outcome {
  readonly data: Readonly<Record<string, unknown>>
  readonly isDone: boolean
}

async function run(options: Options, command: Command): Promise<void> {
  if ((options.from === undefined) === (options.store === undefined))
    command.error('error: say what has been lost: --from mongodb (the log) or --store (the store)')
  const grid = await openGrid(readEnvironment())
  try {
    if (options.from === 'mongodb' && grid.kind === 'embedded')
      command.error('error: the embedded grid has no MongoDB: --from store')
    const outcomes = await recoverAll(grid, options)
    if (options.json)
      say(`${JSON.stringify({ spaces: outcomes.map(({ data }) => data) }, null, 2)}\n`)
    if (outcomes.some(({ isDone }) => !isDone)) process.exitCode = 1
  } finally {
    await grid.close()
  }
}

async function recoverAll(grid: RecoveryGrid, options: Options): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const line = new ProgressLine({ json: options.json, elsewhereMs })
  const progress: Progress = (what, count) => line.tell(`${what}: ${count}`)
  for (const logName of logsMeant(options.space, grid.logNames)) {
    const ports = await grid.portsOf(logName)
    const findings = await lookAround(logName, ports)
    const { checkpoint, log, replicas } = findings
    // Spaces that were not asked for by name need not be in use.
    if (!checkpoint && !log && replicas.length === 0 && options.space === undefined) continue
    outcomes.push(await recover({ grid, ports, findings, options, line, progress }))
  }
  if (outcomes.length > 0) return outcomes
  throw new Refused(
    `Nothing is known of ${grid.logNames.join(' or ') || 'any space'}; other spaces are named by --space`,
  )
}

/** What is refused for one space is no reason not to recover the others. */
async function recover(one: Case): Promise<Outcome> {
  const { findings, grid, options, line } = one
  const { logName } = findings
  tell(options, findingsText(findings, grid.names))
  try {
    return await (options.store ? recoverStore(one) : recoverLog(one))
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    line.clear()
    process.stderr.write(`${logName}: ${error.message}\n`)
    return { data: { space: logName, refused: error.message }, isDone: false }
  }
}

async function recoverLog(one: Case): Promise<Outcome> {
  const { grid, ports, findings, options, line, progress } = one
  const asItIs = options.asItIs ?? false
  const plan = await planLog(findings, ports, grid.names, { asItIs, progress })
  const data = logPlanData(plan)
  if (!isConfirmed(options, line, logPlanText(plan, grid.names)))
    return { data, isDone: isDry(options) }
  const bounds = await carryOut(plan, ports, progress)
  line.clear()
  tell(
    options,
    `Done: the log ${bounds.identity} continues what is stored, from position ${bounds.first} on. Units, pump and writer go on by themselves, or start them.\n`,
  )
  return { data: { ...data, done: true, log: bounds.identity }, isDone: true }
}

async function recoverStore(one: Case): Promise<Outcome> {
  const { grid, ports, findings, options, progress } = one
  const discardStored = options.discardStored ?? false
  const plan = await planStore(findings, ports, grid.names, { discardStored, progress })
  try {
    return await writeStore(plan, one)
  } finally {
    await plan.copy.close()
  }
}

async function writeStore(
  plan: StorePlan,
  { grid, ports, findings, options, line, progress }: Case,
): Promise<Outcome> {
  const text = storePlanText(plan, grid.names)
  if (!isConfirmed(options, line, text))
    return { data: storePlanData(plan), isDone: isDry(options) }
  const different = await rewriteStore(plan, ports, progress)
  const data = storePlanData(plan)
  line.clear()
  const { position, entryCount } = plan.copy.state
  tell(
    options,
    `Done: ${grid.names.store} holds ${findings.logName} at position ${position}, ${entryCount} entries, read again and compared.\n`,
  )
  if (different.length > 0)
    process.stderr.write(
      `${different.length} values come back otherwise than they were written: ${different.slice(0, 20).join(', ')}\n`,
    )
  return { data: { ...data, done: true, different }, isDone: different.length === 0 }
}

const isDry = ({ dryRun }: Options): boolean => dryRun ?? false

/** Says what will be done, and whether it is to be done now. */
function isConfirmed(options: Options, line: ProgressLine, plan: string): boolean {
  line.clear()
  tell(options, plan)
  if (options.dryRun) return false
  if (!options.yes) process.stderr.write('Nothing has been done. With --yes it is.\n')
  return options.yes ?? false
}

const say = (text: string): void => void process.stdout.write(text)

function tell({ json }: Options, text: string): void {
  if (!json) say(text)
}

export const addRecover: AddCommand = (program) => {
  program
    .command('recover')
    .description('A way back when the log or the store of a grid has been lost.')
    .addOption(
      new Option(
        '--from <what>',
        'the log is lost: a new one that continues what MongoDB (embedded: the store) has',
      ).choices(['mongodb', 'store']),
    )
    .option(
      '--store',
      'the store is lost or wrong: writes it anew from a unit that runs, the warm image, or the whole log',
    )
    .option(
      '--space <name...>',
      'spaces to recover, or partitions: ticketing.7 (default: those of the grid)',
    )
    .option(
      '--as-it-is',
      'with --from: takes a store whose entries are not what its checkpoint says',
    )
    .option(
      '--discard-stored',
      'with --store: also if what is stored is sound, and is of another log',
    )
    .option('--dry-run', 'says what would be done, and does nothing')
    .option('--yes', 'does it')
    .option('--json', 'what was found and done, as JSON')
    .addHelpText(
      'after',
      `
Says what it has found, what it will do and what is lost by it; does so with --yes only. It refuses to touch what is sound. May be interrupted, and
begun anew. A grid of several processes may run meanwhile: units that still run have what they have acknowledged, so let them run. The embedded
grid must be stopped.

Finds the grid by NATS_URL, MONGODB_URL (MONGODB_DB) and REDIS_URL; else the cluster or the servers of DATA_DIR (npx spacegrid servers up); else the
embedded grid's files in DATA_DIR.
Exit code: 0 done (or shown, with --dry-run), 1 refused, or not done, 2 wrong usage or configuration.`,
    )
    .action((options: Options, command: Command) => keptAlive(() => run(options, command)))
}
