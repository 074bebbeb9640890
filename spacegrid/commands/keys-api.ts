import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isRoleName } from '@spacegrid/grid/core/access'
import { type ApiKeyRecord, makeApiKey } from '@spacegrid/grid/doors/request/access/api-keys'
import { readEnvironment } from '@spacegrid/grid/program/environment'
import { changeKeys, keysIn } from '@spacegrid/grid/program/key-file'
import { type Command, InvalidArgumentError } from 'commander'
import { Failure } from '../command-line/failure.ts'
import { whole } from '../command-line/option-values.ts'

interface Where {
  readonly file?: string
  readonly json?: boolean
}

interface Adding extends Where {
  readonly roles: readonly string[]
  readonly days?: number
}

const dayMs = 86_400_000

const say = (text: string): void => void process.stdout.write(text)

/** The file that is meant: named, or as units have it, or under `DATA_DIR`. */
function fileOf({ file }: Where): string {
  const { AUTH_KEYS_FILE: known, DATA_DIR: data } = readEnvironment()
  return file ?? known ?? join(data, 'keys', 'api-keys.json')
}

function add(name: string, options: Adding): void {
  const path = fileOf(options)
  const now = Date.now()
  const ends = options.days === undefined ? undefined : now + options.days * dayMs
  const expiresAt = ends === undefined ? undefined : new Date(ends).toISOString()
  const { text, record } = makeApiKey(name, options.roles, { now, expiresAt })
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  changeKeys(path, (keys) => [...keys, record])
  if (options.json) say(`${JSON.stringify({ key: text, ...told(record), file: path })}\n`)
  else
    say(`${text}

That is the key of ${name} (${rolesText(record)}): it is shown once, and kept nowhere. Its hash is in
${path}, which units take as AUTH_KEYS_FILE; those that run read it again by themselves.
`)
}

function list(options: Where): void {
  const path = fileOf(options)
  const keys = keysIn(path)
  if (options.json) say(`${JSON.stringify(keys.map(told), undefined, 2)}\n`)
  else if (keys.length === 0) say(`There is no key in ${path}.\n`)
  else for (const record of keys) say(lineOf(record))
}

function lineOf({ id, name, roles, createdAt, expiresAt }: ApiKeyRecord): string {
  const end = expiresAt === undefined ? '' : `, until ${expiresAt}`
  return `${id}  ${name}  ${rolesText({ roles })}  since ${createdAt}${end}\n`
}

function revoke(idOrName: string, options: Where): void {
  const path = fileOf(options)
  const isMeant = ({ id, name }: ApiKeyRecord) => id === idOrName || name === idOrName
  const meant = keysIn(path).filter(isMeant)
  if (meant.length === 0)
    throw new Failure(`There is no key of ${JSON.stringify(idOrName)} in ${path}`, 1)
  changeKeys(path, (keys) => keys.filter((record) => !isMeant(record)))
  if (options.json) say(`${JSON.stringify(meant.map(told))}\n`)
  else {
    const names = meant.map(({ id, name }) => `${id} (${name})`).join(', ')
    say(
      `Taken back: ${names}. Units that run refuse it within a second or two, and end what was begun with it.\n`,
    )
  }
}

/** What may be shown of a key. */
const told = ({ hash: _, ...record }: ApiKeyRecord): Omit<ApiKeyRecord, 'hash'> => record

const rolesText = ({ roles }: Pick<ApiKeyRecord, 'roles'>): string =>
  roles.length === 0 ? 'no role' : roles.join(', ')

function rolesOf(text: string): readonly string[] {
  const roles = text.split(',').filter((role) => role !== '')
  const wrong = roles.find((role) => !isRoleName(role))
  if (wrong !== undefined)
    throw new InvalidArgumentError(`${JSON.stringify(wrong)} is no role's name`)
  return roles
}

function nameOf(text: string): string {
  if (text === '' || text.length > 256) throw new InvalidArgumentError('1 to 256 characters')
  return text
}

/** `npx spacegrid keys api`: the keys with which programs say who they are. */
export function addKeysApi(keys: Command): void {
  const api = keys
    .command('api')
    .description('API keys: with which programs say who they are (docs/security.md)')
  const withFile = (command: Command) =>
    command
      .option(
        '--file <path>',
        'file of keys (default: AUTH_KEYS_FILE, else keys/api-keys.json under DATA_DIR)',
      )
      .option('--json', 'print it as JSON')
  withFile(
    api
      .command('add')
      .description('makes a key and shows it, once; only its hash is kept')
      .argument('<name>', 'whose it is: callers of one name share their idempotency keys', nameOf)
      .option(
        '--roles <roles>',
        'what it may, as spaces and AUTH_PERMISSIONS_FILE have it',
        rolesOf,
        [],
      )
      .option(
        '--days <number>',
        'how long it holds (default: until it is revoked)',
        whole(1, 3650),
      ),
  ).action(add)
  withFile(
    api.command('list').description('shows whose keys there are, and with which roles'),
  ).action(list)
  withFile(
    api
      .command('revoke')
      .description(
        'takes back a key, by its id, or all of a name; units that run notice by themselves',
      )
      .argument('<id-or-name>'),
  ).action(revoke)
}
