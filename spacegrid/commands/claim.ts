import { GridError } from '@spacegrid/grid/core/errors'
import { linesNamed } from '@spacegrid/grid/core/waiting-room'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { linePassesOf } from '@spacegrid/grid/program/waiting-room-keys'
import { lanesNamed } from '@spacegrid/waiting-room/room-options'
import type { AddCommand } from '../command-line/add-command.ts'
import { whole } from '../command-line/option-values.ts'

interface Options {
  readonly line: string
  readonly lane: string
  readonly name: string
  readonly days: number
  readonly json?: boolean
}

const dayMs = 86_400_000

function run({ line, lane, name, days, json = false }: Options): void {
  const environment = readEnvironment()
  const { problem } = linesNamed(line)
  if (problem !== undefined || line.includes(','))
    throw new GridError('configuration_invalid', `--line: ${problem ?? 'allowed is one line'}`)
  const { lanes } = lanesNamed(environment.WAITING_ROOM_LANES)
  if (!lanes.some((one) => one.lane === lane))
    throw new GridError(
      'configuration_invalid',
      `--lane ${lane}: WAITING_ROOM_LANES has ${lanes.map((one) => one.lane).join(', ')}`,
    )
  const until = Date.now() + days * dayMs
  const claim = linePassesOf(environment).sign('claim', { line, lane, id: name, until })
  process.stdout.write(`${json ? JSON.stringify({ claim, line, lane, name, until }) : claim}\n`)
}

export const addClaim: AddCommand = (program) => {
  program
    .command('claim')
    .description(
      'Signs the right to one place in a lane of a line: for a fan club, or whoever needs another way in. Whoever joins with it gets that place, however often.',
    )
    .requiredOption('--line <line>', 'such as ticketing/concert')
    .requiredOption('--lane <lane>', 'one of WAITING_ROOM_LANES')
    .requiredOption('--name <name>', 'whom it is for: one place for each name')
    .option('--days <number>', 'how long it holds', whole(1, 3650), 30)
    .option('--json', 'print it as JSON, in one line')
    .addHelpText(
      'after',
      '\nEnvironment: WAITING_ROOM_KEY (or WAITING_ROOM_KEY_FILE, a file that holds it) (else keys/waiting-room under DATA_DIR), WAITING_ROOM_LANES.',
    )
    .action(run)
}
