import { join } from 'node:path'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import {
  type NamedSpace,
  namedSpaces,
  spacesPattern,
  spacesProblem,
} from '@spacegrid/grid/program/named-spaces'
import { InvalidArgumentError } from 'commander'
import type { AddCommand } from '../command-line/add-command.ts'
import { list } from '../command-line/option-values.ts'
import { type GridKeys, makeGridKeys } from '../keys/grid-keys.ts'
import { keyFiles } from '../keys/key-files.ts'
import { shareKeys } from '../keys/shares.ts'
import { addKeysApi } from './keys-api.ts'

interface Options {
  readonly out?: string
  readonly space: readonly NamedSpace[]
  readonly client: readonly string[]
  readonly host: readonly string[]
  readonly events?: boolean
  readonly force?: boolean
  readonly share?: string
  readonly json?: boolean
}

async function make({
  out,
  space,
  client: clients,
  host: hosts,
  ...options
}: Options): Promise<void> {
  const { DATA_DIR: dataDirectory, SPACES: spaces } = readEnvironment()
  const said = space.length > 0 || spaces === undefined ? space : namedSpaces(spaces)
  const { events = false, force = false, share, json = false } = options
  const made = await makeGridKeys(out ?? join(dataDirectory, 'keys'), {
    ...{ spaces: said, clients, hosts, events, force },
  })
  if (share !== undefined) shareKeys(made.folder, share)
  process.stdout.write(json ? `${JSON.stringify(made, null, 2)}\n` : text(made))
}

function text({ folder, files, users }: GridKeys): string {
  const width = Math.max(...files.map(({ name }) => name.length))
  const rows = files.map(({ name, is }) => `  ${name.padEnd(width)}  ${is}`)
  return `${folder}
${rows.join('\n')}

NATS lets in ${users.join(', ')}, each with its own key and for its own subjects. Its server takes them from ${keyFiles.natsUsers}, beside its configuration, by
  include ${keyFiles.natsUsers}
and a program its key by its URL, which names files and holds no secret:
  NATS_URL='tls://HOST:4222?nkeyFile=${join(folder, keyFiles.nkey('unit'))}&tlsCAFile=${join(folder, keyFiles.authority)}'
Whoever has these files is the grid: keep ${keyFiles.authorityKey} and ${keyFiles.nkey('operator')} elsewhere once everything runs.
Next: npx spacegrid cluster --secure on this machine, docker-compose.secure.yml for containers; docs/security.md.
`
}

function spaceOf(text: string): NamedSpace {
  const problem = new RegExp(spacesPattern).test(text)
    ? spacesProblem(namedSpaces(text))
    : 'It must be a space such as ticketing, or ticketing:16.'
  const [space] = namedSpaces(text)
  if (problem !== undefined || space === undefined) throw new InvalidArgumentError(problem ?? '')
  return space
}

/** Several of them, separated by commas or said one by one. */
const more =
  <T>(read: (text: string) => T) =>
  (text: string, before: readonly T[]): T[] => [...before, ...list(read)(text)]

const word = (text: string): string => text

export const addKeys: AddCommand = (program) => {
  const keys = program
    .command('keys')
    .description('Keys, passwords and certificates of a closed grid: who may do what is in them.')
  keys
    .command('make', { isDefault: true })
    .description(
      'makes everything that a closed grid needs in a folder that nobody else may look into; what is there already is kept',
    )
    .option('--out <folder>', 'where (keys under DATA_DIR)')
    .option(
      '--space <names>',
      'what the grid holds, as SPACES has it: ticketing:16,auction (SPACES)',
      more(spaceOf),
      [],
    )
    .option(
      '--client <names>',
      'callers that speak to NATS, each with a key of its own',
      more(word),
      [],
    )
    .option(
      '--host <names>',
      'names and addresses of servers for their certificates, beside localhost and those of the compose file',
      more(word),
      [],
    )
    .option('--events', 'units may make and change the streams of domain events (EVENTS_BYTES_MAX)')
    .option('--force', 'makes everything anew: what is in use ends to work')
    .option(
      '--share <folder>',
      'puts besides, into a folder below it for each service of the compose file, what that one needs and nothing else',
    )
    .option('--json', 'prints what has been made as JSON')
    .addHelpText(
      'after',
      '\nWhat was said before is remembered in the folder: a second --client adds one. Environment: DATA_DIR, SPACES.',
    )
    .action(make)
  addKeysApi(keys)
}
