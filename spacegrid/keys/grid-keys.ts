import { randomBytes } from 'node:crypto'
import { scalingBucket } from '@spacegrid/deployment-manager/scaling-keys'
import { GridError } from '@spacegrid/grid/core/errors'
import { roomSpaceName } from '@spacegrid/grid/core/waiting-room'
import { makeApiKey } from '@spacegrid/grid/doors/request/access/api-keys'
import {
  type GridUser,
  gridUsers,
  type SpaceNamed,
} from '@spacegrid/grid/drivers/nats/subject-table'
import { changeKeys } from '@spacegrid/grid/program/key-file'
import { nkeys } from 'nats'
import { type CertifiedKey, makeAuthority, makeServerCertificate } from './certificates.ts'
import { type CertifiedServer, certified, keyFiles } from './key-files.ts'
import { type KeptFile, KeyFolder } from './key-folder.ts'
import { type NatsKey, natsUsers } from './nats-users.ts'

/** What the keys are for. */
export interface GridKeysOptions {
  readonly spaces: readonly SpaceNamed[]
  /** Names of callers that speak to NATS themselves. */
  readonly clients?: readonly string[]
  /** Names and addresses by which servers are known beside the usual ones. */
  readonly hosts?: readonly string[]
  /** Units keep the streams of domain events. */
  readonly events?: boolean
  /** All keys are made anew, and what is there ends to work. */
  readonly force?: boolean
}

/** In the folder: what it was made for, to be made again with less said. */
const settingsFile = 'keys.json'

const thisMachine = ['localhost', '127.0.0.1', '::1']
const operator = 'operator'
/** What the key of operators may; of other roles the declarations of the spaces hold. */
const everything = { roles: { [operator]: ['*'] } }
const clientName = /^[a-z][a-z0-9-]{0,31}$/

/** Everything that a closed grid needs, as it is in its folder now. */
export interface GridKeys {
  readonly folder: string
  readonly files: readonly KeptFile[]
  readonly spaces: readonly SpaceNamed[]
  /** Names of those that have an nkey. */
  readonly users: readonly string[]
}

/**
 * Makes the keys of a closed grid in a folder: an nkey for each role and caller, and what NATS is
 * to let them do; passwords of MongoDB and Redis, the token of administration; an authority, and
 * certificates of the servers that it has signed. What is there already is kept.
 * @throws GridError `configuration_invalid`
 */
export async function makeGridKeys(path: string, options: GridKeysOptions): Promise<GridKeys> {
  const folder = new KeyFolder(path, options.force)
  const { spaces, clients, hosts, events } = settled(folder, options)
  const keys: NatsKey[] = []
  for (const [name, user] of usersOf(clients)) {
    const seed = await folder.keep(keyFiles.nkey(name), newSeed)
    keys.push({ name, user, publicKey: publicKeyOf(seed, folder.pathOf(keyFiles.nkey(name))) })
  }
  folder.derive(keyFiles.natsUsers, natsUsers(keys, { spaces, events, scalingBucket }))
  const secrets = [
    keyFiles.mongodbPassword,
    keyFiles.mongodbSet,
    keyFiles.redisPassword,
    keyFiles.adminToken,
  ]
  for (const name of secrets) await folder.keep(name, newPassword)
  await folder.keep(keyFiles.apiKey, () => newApiKey(folder.pathOf(keyFiles.apiKeys)))
  await folder.keep(keyFiles.permissions, () => `${JSON.stringify(everything, null, 2)}\n`)
  const redisPassword = folder.read(keyFiles.redisPassword) ?? ''
  folder.derive(keyFiles.redisUsers, `user default on >${redisPassword} ~* &* +@all\n`)
  const authority = await authorityOf(folder)
  for (const server of Object.keys(certified) as CertifiedServer[])
    await folder.keep(keyFiles.certificate(server), async () => {
      const [first, ...others] = certified[server]
      const names = [...new Set([...others, ...thisMachine, ...hosts])]
      const { certificate, key } = await makeServerCertificate(authority(), [first, ...names])
      return `${key.trim()}\n${certificate.trim()}\n`
    })
  const users = keys.map(({ name }) => name)
  return { folder: folder.path, files: folder.files, spaces, users }
}

/** What is said now, and what was said when the folder was made. */
function settled(
  folder: KeyFolder,
  { spaces, clients = [], hosts = [], events = false }: GridKeysOptions,
): Required<Omit<GridKeysOptions, 'force'>> {
  const wrong = clients.find((name) => !clientName.test(name) || isRole(name))
  if (wrong !== undefined)
    throw new GridError(
      'configuration_invalid',
      `--client ${wrong}: allowed are up to 32 lower-case letters, digits and dashes, and no role's name`,
    )
  const before = JSON.parse(folder.read(settingsFile) ?? '{}') as Partial<GridKeysOptions>
  // A space that has another number of partitions now is said anew.
  const others = (before.spaces ?? []).filter(({ name }) => !spaces.some((it) => it.name === name))
  const all = {
    spaces: [...others, ...spaces],
    clients: [...new Set([...(before.clients ?? []), ...clients])],
    hosts: [...new Set([...(before.hosts ?? []), ...hosts])],
    events: events || before.events === true,
  }
  if (all.spaces.length === 0)
    throw new GridError(
      'configuration_invalid',
      '--space is not said, and SPACES is not set: the keys are for the spaces of a grid, such as ticketing:16',
    )
  folder.derive(settingsFile, `${JSON.stringify(all, null, 2)}\n`)
  // Waiting rooms may come later; their space has one partition.
  const hasRoom = all.spaces.some(({ name }) => name === roomSpaceName)
  const room = hasRoom ? [] : [{ name: roomSpaceName, partitions: 1 }]
  return { ...all, spaces: [...all.spaces, ...room] }
}

const isRole = (name: string): boolean =>
  gridUsers.some((user) => user === name && user !== 'client')

/** Each role has one key, and each caller its own. */
const usersOf = (clients: readonly string[]): [name: string, user: GridUser][] => [
  ...gridUsers.map((user): [string, GridUser] => [user, user]),
  ...clients
    .filter((name) => name !== 'client')
    .map((name): [string, GridUser] => [name, 'client']),
]

const newSeed = (): string => `${new TextDecoder().decode(nkeys.createUser().getSeed())}\n`

/** Of letters and digits: it stands in URLs, files of other servers and shells as it is. */
const newPassword = (): string => randomBytes(32).toString('hex')

/** Its hash is put among those of others: it is the only one of operators. */
function newApiKey(hashes: string): string {
  const { text, record } = makeApiKey(operator, [operator], { now: Date.now() })
  changeKeys(hashes, (keys) => [...keys.filter(({ name }) => name !== operator), record])
  return `${text}\n`
}

function publicKeyOf(seed: string, file: string): string {
  try {
    return nkeys.fromSeed(new TextEncoder().encode(seed.trim())).getPublicKey()
  } catch {
    throw new GridError('configuration_invalid', `${file} holds no seed of an nkey`)
  }
}

/** Its key is only needed where something is to be signed: the careful keep it elsewhere. */
async function authorityOf(folder: KeyFolder): Promise<() => CertifiedKey> {
  let made: CertifiedKey | undefined
  const certificate = await folder.keep(keyFiles.authority, async () => {
    made = await makeAuthority()
    folder.renew(keyFiles.authorityKey, made.key)
    return made.certificate
  })
  return () => {
    const key = folder.read(keyFiles.authorityKey)
    if (key !== undefined) return { certificate, key }
    throw new GridError(
      'configuration_invalid',
      `${folder.pathOf(keyFiles.authorityKey)} is missing, and a certificate is to be signed with it: put it back, or make everything anew with --force`,
    )
  }
}
