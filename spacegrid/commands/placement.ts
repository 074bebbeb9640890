import { GridError } from '@spacegrid/grid/core/errors'
import { partitionOf, spaceOf } from '@spacegrid/grid/core/log-name'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { findGrid } from '../audit/audit-targets.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { type HeardPlacement, hearPlacement } from '../placement/heard-placement.ts'
import { placementText } from '../placement/placement-text.ts'

interface Options {
  readonly space?: readonly string[]
  readonly json?: boolean
}

async function run({ space, json }: Options): Promise<void> {
  const environment = readEnvironment()
  const grid = await findGrid(environment)
  if (grid?.nats === undefined)
    throw new GridError(
      'configuration_invalid',
      `There are no units to listen to: set NATS_URL, or DATA_DIR to the folder of a cluster that runs (npx spacegrid cluster; now: ${environment.DATA_DIR})`,
    )
  const divided = grid.logNames.filter((logName) => partitionOf(logName) !== undefined)
  const spaces = space ?? [...new Set(divided.map(spaceOf))]
  if (spaces.length === 0)
    throw new GridError('unknown_space', 'No space here has several partitions')
  const messaging = await NatsMessaging.open(grid.nats, { name: 'placement' })
  try {
    const clock = new SystemClock()
    const all = await Promise.all(spaces.map((one) => hearPlacement(one, messaging, clock)))
    const heard = all.filter((it) => it !== undefined)
    const silent = spaces.filter((_, at) => all[at] === undefined)
    if (silent.length > 0)
      throw new GridError(
        'no_responder',
        `No unit at ${grid.nats} says that it works for ${silent.join(' or ')} and its partitions: is the grid running, and the space's name right?`,
      )
    process.stdout.write(
      json
        ? `${JSON.stringify({ spaces: heard }, null, 2)}\n`
        : heard.map(placementText).join('\n'),
    )
    process.exitCode = heard.every(isWhole) ? 0 : 1
  } finally {
    await messaging.close()
  }
}

const isWhole = ({ homes, queryUnits, ...taking }: HeardPlacement): boolean =>
  homes.every((home) => home !== null) && [taking, queryUnits].every(hasAll)

const hasAll = (kept: Pick<HeardPlacement, 'scarce' | 'missing'> | undefined): boolean =>
  kept === undefined || (kept.scarce.length === 0 && kept.missing === 0)

export const addPlacement: AddCommand = (program) => {
  program
    .command('placement')
    .description(
      'Which unit keeps which partition of a divided space, which is its home, what moves and what is missing.',
    )
    .option('--space <name...>', 'spaces to look at (default: all that have several partitions)')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Listens for a moment to what the units of NATS_URL, else of the cluster of DATA_DIR/cluster.json, say of themselves.
Exit code: 0 everything is kept as often as it should be, 1 it is not, 2 wrong usage or configuration.`,
    )
    .action(run)
}
