import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { tokenHeaders } from '@spacegrid/grid/doors/admin/admin-token'
import { httpUrl } from '@spacegrid/grid/doors/http/http-url'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { AuditConnections, type AuditedServers, findGrid } from '../audit/audit-targets.ts'
import { logsMeant } from '../audit/logs-meant.ts'
import { reportText } from '../audit/report-text.ts'
import {
  auditSpace,
  findReplicas,
  type SpaceAuditOptions,
  type SpaceAuditReport,
} from '../audit/space-audit.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { Failure, failureOf } from '../command-line/failure.ts'
import { whole } from '../command-line/option-values.ts'
import { ProgressLine } from '../command-line/progress-line.ts'
import { knownToken } from '../keys/known-token.ts'

interface Options {
  readonly space?: readonly string[]
  readonly url?: string
  readonly differences: number
  readonly wait: number
  readonly json?: boolean
}

async function run(options: Options): Promise<void> {
  const environment = readEnvironment()
  const grid = options.url === undefined ? await findGrid(environment) : undefined
  const { nats } = grid ?? {}
  const reports =
    grid && nats !== undefined
      ? await auditServers(
          { ...grid, nats },
          environment.MONGODB_DB,
          logsMeant(options.space, grid.logNames),
          options,
        )
      : await askForAudit(
          options.url ?? httpUrl(environment.HOST, environment.ADMIN_PORT),
          options,
          knownToken(environment),
        )
  say(options, reports)
  process.exitCode = exitCode(reports)
}

/** The grid is several processes: everything is read from here. */
async function auditServers(
  servers: AuditedServers,
  database: string,
  logNames: readonly LogName[],
  options: Options,
): Promise<SpaceAuditReport[]> {
  const connections = await AuditConnections.open(servers, database)
  try {
    const { messaging, clock } = connections
    const found = await Promise.all(
      logNames.map(async (logName) => ({
        logName,
        replicas: await findReplicas(logName, messaging, clock),
      })),
    )
    const reports: SpaceAuditReport[] = []
    for (const { logName, replicas } of found) {
      // Spaces that were not asked for by name need not be in use.
      if (replicas.length === 0 && options.space === undefined) continue
      const ports = replicas.length > 0 ? await connections.portsOf(logName) : undefined
      if (!ports)
        throw new GridError(
          'no_responder',
          `No unit or pump at ${servers.nats} says that it holds ${logName}: is the grid running, and the space's name right?`,
        )
      reports.push(await auditSpace(ports, replicas, auditOptions(logName, options)))
    }
    if (reports.length > 0) return reports
    throw new GridError(
      'no_responder',
      `No unit or pump at ${servers.nats} says that it holds ${logNames.join(' or ') || 'a space'}: is the grid running? Other spaces are named by --space`,
    )
  } finally {
    await connections.close()
  }
}

function auditOptions(logName: LogName, { differences, wait, json }: Options): SpaceAuditOptions {
  const line = new ProgressLine({ json, atOnce: true })
  const progress = (who: string, entries: number) =>
    line.tell(`${logName}: reading ${who}: ${entries} entries`)
  return { logName, differencesMax: differences, waitMs: wait * 1000, progress }
}

/** The grid is one process, which nobody else can look into: it audits itself. */
async function askForAudit(
  url: string,
  options: Options,
  token: string | undefined,
): Promise<SpaceAuditReport[]> {
  const query = new URLSearchParams({
    differences: String(options.differences),
    wait: String(options.wait),
  })
  for (const space of options.space ?? []) query.append('space', space)
  const target = `${url.replace(/\/$/, '')}/audit?${query}`
  const response = await fetch(target, { headers: tokenHeaders(token) }).catch((cause) => {
    const hint =
      'start the grid (npx spacegrid start, npx spacegrid cluster), name its servers (NATS_URL, MONGODB_URL, REDIS_URL), or its administration address (--url)'
    throw new GridError('no_responder', `There is no grid at ${url}: ${hint}`, { cause })
  })
  const body = (await response.json()) as { reports?: SpaceAuditReport[]; detail?: string }
  if (body.reports) return body.reports
  throw new GridError('no_responder', `${target}: ${body.detail ?? `HTTP ${response.status}`}`)
}

function say({ json }: Options, reports: readonly SpaceAuditReport[]): void {
  new ProgressLine({ json }).clear()
  process.stdout.write(
    json ? `${JSON.stringify({ reports }, null, 2)}\n` : reports.map(reportText).join('\n'),
  )
}

function exitCode(reports: readonly SpaceAuditReport[]): number {
  if (reports.some(({ equal }) => !equal)) return 1
  return reports.every(({ complete }) => complete) ? 0 : 2
}

/**
 * What could not be compared at all is nothing that differs, whatever kept it from being compared.
 */
async function runOrSay(options: Options): Promise<void> {
  try {
    await run(options)
  } catch (error) {
    const isBug = error instanceof Error && !(error instanceof GridError)
    throw isBug ? new Failure(error.stack ?? error.message, 2) : failureOf(error, 2)
  }
}

export const addAudit: AddCommand = (program) => {
  program
    .command('audit')
    .description(
      'Compares every copy of a space in full while the grid works on: units, pump, warm image and MongoDB, each at its own log position.',
    )
    .option(
      '--space <name...>',
      'spaces to look at, or partitions: ticketing.7 (default: those of the grid that are in use)',
    )
    .option('--url <address>', 'administration address of an embedded grid (npx spacegrid start)')
    .option('--differences <number>', 'differing keys to name, of each copy', whole(0), 20)
    .option('--wait <seconds>', 'for a copy that is behind or busy', whole(0), 30)
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      `
Looks at the grid of NATS_URL, MONGODB_URL (MONGODB_DB) and REDIS_URL; else at the cluster of DATA_DIR/cluster.json; else at the
embedded grid on ADMIN_PORT. Reads only; holds two copies of the space in memory.
Exit code: 0 all copies are equal, 1 some differ, 2 some or all could not be compared.`,
    )
    .action(runOrSay)
}
