import { unitHoursOf } from '@spacegrid/deployment-manager/decide/budget'
import { readKept } from '@spacegrid/deployment-manager/journal'
import { scalingBucket, spacesOfJournal } from '@spacegrid/deployment-manager/scaling-keys'
import { GridError } from '@spacegrid/grid/core/errors'
import { KvCell, keysOfBucket } from '@spacegrid/grid/drivers/nats/kv-cell'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import {
  decisionsMax,
  type ScalingDecision,
  scalingLine,
} from '@spacegrid/grid/engine/load/scaling-status'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { findGrid } from '../audit/audit-targets.ts'
import type { AddCommand } from '../command-line/add-command.ts'
import { whole } from '../command-line/option-values.ts'

interface Options {
  readonly lines: number
  readonly json?: boolean
}

/** What was decided for the units of one set of spaces. */
interface Told {
  readonly spaces: readonly string[]
  /** Hours that units have run within 24, all together, as they were written down last. */
  readonly unitHours: number
  readonly decisions: readonly ScalingDecision[]
}

async function run({ lines, json }: Options): Promise<void> {
  const environment = readEnvironment()
  const nats = environment.NATS_URL ?? (await findGrid(environment))?.nats
  if (nats === undefined)
    throw new GridError(
      'configuration_invalid',
      `There is no grid to ask: set NATS_URL, or DATA_DIR to the folder of a cluster that runs (npx spacegrid cluster --elastic; now: ${environment.DATA_DIR})`,
    )
  const messaging = await NatsMessaging.open(nats, { name: 'scaling' })
  try {
    const all = await readAll(messaging)
    if (all.length === 0)
      throw new GridError(
        'not_found',
        `No deployment manager has ever worked at ${nats}: npx spacegrid cluster --elastic, or npx spacegrid deployment-manager`,
      )
    const shown = all.map((told) => ({ ...told, decisions: told.decisions.slice(-lines) }))
    process.stdout.write(json ? `${JSON.stringify({ managed: shown })}\n` : textOf(shown))
  } finally {
    await messaging.close()
  }
}

async function readAll({ connection: { driver } }: NatsMessaging): Promise<Told[]> {
  const keys = await keysOfBucket(driver, scalingBucket)
  const told = keys.map(async (key): Promise<Told[]> => {
    const spaces = spacesOfJournal(key)
    if (!spaces) return []
    const found = await new KvCell(driver, scalingBucket, key).read()
    const { decisions, spent } = readKept(found?.data ?? new Uint8Array())
    return [{ spaces, unitHours: unitHoursOf(spent), decisions }]
  })
  return (await Promise.all(told)).flat()
}

const textOf = (all: readonly Told[]): string =>
  all
    .map(({ spaces, unitHours, decisions }) => {
      const head = `${spaces.join(', ')}: ${unitHours.toFixed(2)} unit hours within 24 hours`
      const lines = decisions.map(scalingLine)
      return `${[head, ...(lines.length > 0 ? lines : ['nothing was to be done yet'])].join('\n')}\n`
    })
    .join('\n')

export const addScaling: AddCommand = (program) => {
  program
    .command('scaling')
    .description(
      'What the deployment manager has done, what it has not done though more units were wished for, and why.',
    )
    .option('--lines <number>', 'the newest so many decisions', whole(1, decisionsMax), 20)
    .option('--json', 'as JSON, in one line')
    .addHelpText(
      'after',
      `
Reads what managers at NATS_URL, else of the cluster of DATA_DIR/cluster.json, have written down; the last ${decisionsMax} decisions are kept.
Exit code: 0 told, 1 no manager has ever worked there, 2 wrong usage or configuration.`,
    )
    .action(run)
}
