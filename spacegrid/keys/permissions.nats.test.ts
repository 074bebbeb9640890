import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inboxPrefixOf } from '@spacegrid/grid/drivers/nats/role-permissions'
import { type GridUser, gridUsers, subjectTable } from '@spacegrid/grid/drivers/nats/subject-table'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { startNats } from '@spacegrid/proof/support/test-servers'
import {
  AckPolicy,
  connect,
  DeliverPolicy,
  type JetStreamManager,
  nkeyAuthenticator,
  nkeys,
} from 'nats'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalServer } from '../servers/local-server.ts'
import { makeGridKeys } from './grid-keys.ts'
import { keyFiles } from './key-files.ts'
import { RawNatsClient } from './test-support/raw-nats-client.ts'

const spaces = [
  { name: 'shop', partitions: 1 },
  { name: 'tickets', partitions: 2 },
  { name: 'waitingRoom', partitions: 1 },
]

let folder: string
let nats: LocalServer
let ca: string

const seedOf = (name: string) => readFileSync(join(folder, keyFiles.nkey(name)), 'utf8').trim()
const keyOf = (name: string) =>
  nkeys.fromSeed(new TextEncoder().encode(seedOf(name))).getPublicKey()

/** One for each of them: what it was refused before is no longer told. */
const opened = new Map<string, Promise<RawNatsClient>>()
function raw(name: string): Promise<RawNatsClient> {
  const client = opened.get(name) ?? RawNatsClient.open(nats.port, ca, seedOf(name))
  opened.set(name, client)
  return client
}

async function managerOf(name: string): Promise<JetStreamManager & { close(): Promise<void> }> {
  const authenticator = nkeyAuthenticator(new TextEncoder().encode(seedOf(name)))
  const connection = await connect({
    ...{ port: nats.port, authenticator, tls: { ca }, inboxPrefix: inboxPrefixOf(keyOf(name)) },
  })
  const manager = await connection.jetstreamManager({ checkAPI: false, timeout: 2000 })
  return Object.assign(manager, { close: () => connection.close() })
}

beforeAll(async () => {
  folder = join(await temporaryFolder('keys'), 'keys')
  await makeGridKeys(folder, { spaces, clients: ['shopper'] })
  ca = readFileSync(join(folder, keyFiles.authority), 'utf8')
  nats = await startNats({ keys: folder })
})

afterAll(async () => {
  for (const client of opened.values()) (await client).close()
  await nats?.stop()
})

test('nobody comes in without a key, nor with one that is not known', async () => {
  for (const seed of [undefined, new TextDecoder().decode(nkeys.createUser().getSeed())]) {
    const client = await RawNatsClient.open(nats.port, ca, seed)
    expect(await client.settled()).toContain("-ERR 'Authorization Violation'")
    client.close()
  }
})

describe('what the table says, the server does', () => {
  test.each(gridUsers)('%s', async (user) => {
    const example = (subject: string) => subject.replaceAll(/[*>]/g, '1')
    const client = await raw(user)
    // The waiting room is the unit of its own space.
    const is = (users: readonly GridUser[], space: string) =>
      users.includes(user) ||
      (user === 'waiting-room' && space === 'waitingRoom' && users.includes('unit'))
    const all = spaces.flatMap((space) =>
      subjectTable.flatMap((use) =>
        use.subjectsOf(space).map((subject) => ({
          subject: example(subject),
          says: is(use.says, space.name),
          hears: is(use.hears, space.name),
        })),
      ),
    )
    const named = [...new Set(all.map(({ subject }) => subject))]
    const refused = await client.tries(named, named)
    for (const subject of named) {
      const uses = all.filter((use) => use.subject === subject)
      expect
        .soft(!refused.publish.has(subject), `publish ${subject}`)
        .toBe(uses.some((u) => u.says))
      expect
        .soft(!refused.subscribe.has(subject), `subscribe ${subject}`)
        .toBe(uses.some((u) => u.hears))
    }
  })
})

/** Written down by hand: what must not be, whatever the table says. */
const attacks: readonly {
  readonly what: string
  readonly by: readonly string[]
  readonly publish?: readonly string[]
  readonly subscribe?: readonly string[]
}[] = [
  {
    what: 'nobody but units writes to the log',
    by: all('unit', 'operator'),
    publish: ['spacegrid.shop.log', 'spacegrid.tickets.0.log', 'spacegrid.tickets.1.log'],
  },
  {
    what: 'nobody but the pump writes changes, the past and events',
    by: all('data-pump', 'operator'),
    publish: [
      ...['spacegrid.shop.changes', 'spacegrid.tickets.1.changes', 'spacegrid.shop.past'],
      ...['spacegrid.shop.events.SeatsHeld', 'spacegrid.tickets.0.events.SeatsHeld'],
    ],
  },
  {
    what: 'nobody but operators administers',
    by: all('operator'),
    publish: [
      ...['spacegrid.shop.admin.correct', 'spacegrid.tickets.admin.correct'],
      ...['spacegrid.shop.admin.reactions', 'spacegrid.tickets.admin.anything'],
    ],
  },
  {
    what: 'nobody but operators and the console looks',
    by: all('operator', 'console'),
    publish: ['spacegrid.shop.admin.look'],
  },
  {
    what: 'nobody but the writer says what is persisted',
    by: all('data-writer'),
    publish: ['spacegrid.shop.persisted', 'spacegrid.tickets.0.persisted'],
  },
  {
    what: 'streams are begun, changed, emptied and ended by nobody who need not',
    by: all('operator', 'data-pump', 'data-writer', 'deployment-manager'),
    publish: [
      ...['STREAM.CREATE', 'STREAM.UPDATE', 'STREAM.DELETE', 'STREAM.PURGE', 'STREAM.RESTORE'].map(
        (verb) => `$JS.API.${verb}.SPACE_shop_LOG`,
      ),
      ...['$JS.API.STREAM.MSG.DELETE.SPACE_shop_LOG', '$JS.API.STREAM.CREATE.mine'],
      ...['$JS.API.STREAM.SNAPSHOT.SPACE_shop_LOG', '$JS.API.STREAM.CREATE.SPACE_shop_PAST'],
    ],
  },
  {
    what: 'and pump and writer do what they need alone',
    by: ['data-pump', 'data-writer', 'deployment-manager'],
    publish: [
      ...['$JS.API.STREAM.UPDATE.SPACE_shop_LOG', '$JS.API.STREAM.DELETE.SPACE_shop_LOG'],
      ...['$JS.API.STREAM.MSG.DELETE.SPACE_shop_LOG', '$JS.API.STREAM.CREATE.mine'],
      ...['$JS.API.STREAM.RESTORE.SPACE_shop_LOG', '$JS.API.STREAM.SNAPSHOT.SPACE_shop_LOG'],
    ],
  },
  {
    what: 'callers ask the doors and nothing else',
    by: ['client', 'shopper', 'subscriber'],
    publish: [
      ...['memory', 'presence', 'live', 'audit', 'newest', 'load', 'load.asked', 'react'].map(
        (kind) => `spacegrid.shop.${kind}`,
      ),
      ...['snapshot.peer', 'snapshot.reader', 'snapshot.store', 'snapshot.mending'].map(
        (kind) => `spacegrid.shop.${kind}`,
      ),
      ...['archive', 'archive.entry', 'archive.range', 'readable', 'unit.1'].map(
        (kind) => `spacegrid.shop.${kind}`,
      ),
      ...['snapshot.chunk.x', 'snapshot.audit.1', 'log', 'changes'].map(
        (kind) => `spacegrid.tickets.1.${kind}`,
      ),
      ...['spacegrid.status.ask', 'spacegrid.status.told.x', 'spacegrid.waitingRoom.admissions'],
      ...['$JS.API.CONSUMER.CREATE.SPACE_shop_LOG.x', '$JS.API.STREAM.MSG.GET.SPACE_shop_LOG'],
      ...['$JS.API.DIRECT.GET.SPACE_shop_LOG', '$JS.API.STREAM.NAMES', '$JS.API.INFO'],
      ...[
        '$KV.spacegrid_scaling.x',
        '$SYS.REQ.SERVER.PING',
        '$SRV.PING',
        '$SRV.INFO.spacegrid-shop',
      ],
    ],
    subscribe: [
      ...['spacegrid.shop.command.*', 'spacegrid.shop.query.stock', 'spacegrid.shop.admin.correct'],
      ...['spacegrid.shop.log', 'spacegrid.shop.audit', 'spacegrid.status.told.*', '$SRV.>'],
    ],
  },
  {
    what: 'a subscriber asks for nothing',
    by: ['subscriber'],
    publish: ['spacegrid.shop.command.offer', 'spacegrid.shop.query.stock'],
  },
  {
    what: 'nobody hears what others are answered, or everything',
    by: [...gridUsers, 'shopper'],
    subscribe: [
      ...['>', '*', 'spacegrid.>', '_INBOX.>', '_INBOX.*', '_INBOX.*.*', '$JS.>', '$SYS.>'],
      ...['$JS.API.>', '$SYS.REQ.USER.INFO', 'spacegrid.*.*.*', 'spacegrid.*.command.*'],
    ],
  },
  {
    what: 'components ask no commands but what query units pass on',
    by: ['unit', 'data-pump', 'data-writer', 'data-reader', 'console', 'deployment-manager'],
    publish: ['spacegrid.shop.command.offer', 'spacegrid.tickets.0.command.hold'],
  },
  {
    what: 'who has no answers to give gives none',
    by: ['data-writer', 'console', 'client', 'shopper', 'subscriber', 'deployment-manager'],
    publish: ['_INBOX.x.1', '_INBOX.1'],
  },
]

function all(...but: readonly string[]): readonly string[] {
  return [...gridUsers, 'shopper'].filter((user) => !but.includes(user))
}

describe('attacks', () => {
  test.each(attacks)('$what', async ({ by, publish = [], subscribe = [] }) => {
    for (const user of by) {
      const client = await raw(user)
      const refused = await client.tries(publish, subscribe)
      expect.soft([...refused.publish].sort(), `${user} publishes`).toEqual([...publish].sort())
      expect.soft([...refused.subscribe].sort(), `${user} listens`).toEqual([...subscribe].sort())
    }
  })

  test('nobody listens where another one is answered, and callers answer nobody', async () => {
    const everybody = [...gridUsers, 'shopper']
    for (const user of everybody) {
      const others = everybody.filter((one) => one !== user).map(keyOf)
      const inboxes = others.map((key) => `${inboxPrefixOf(key)}.x.1`)
      const client = await raw(user)
      const refused = await client.tries(user.startsWith('c') ? inboxes : [], inboxes)
      expect([...refused.subscribe].sort(), user).toEqual([...inboxes].sort())
      if (user === 'client') expect([...refused.publish].sort()).toEqual([...inboxes].sort())
    }
  })

  test('the reader and the pump cannot answer callers in the place of units', async () => {
    for (const user of ['data-reader', 'data-pump', 'data-writer']) {
      const client = await raw(user)
      const inboxes = ['client', 'shopper'].map((who) => `${inboxPrefixOf(keyOf(who))}.x.1`)
      expect([...(await client.tries(inboxes, [])).publish].sort()).toEqual([...inboxes].sort())
    }
  })
})

test('streams that are there are not made otherwise by who may begin them', async () => {
  const operator = await managerOf('operator')
  await operator.streams.add({ name: 'SPACE_shop_LOG', subjects: ['spacegrid.shop.log'] })
  const pump = await managerOf('data-pump')
  const other = { name: 'SPACE_shop_LOG', subjects: ['spacegrid.shop.log', '_INBOX.>'] }
  await expect(pump.streams.add(other)).rejects.toThrow(/already in use/)
  const { config } = await operator.streams.info('SPACE_shop_LOG')
  expect(config.subjects).toEqual(['spacegrid.shop.log'])
  await Promise.all([operator.close(), pump.close()])
})

/**
 * The server delivers to wherever a consumer says, whatever its maker may publish. What comes there
 * is a record as it is in the stream, so whoever may write a stream and follow it may write
 * anywhere (docs/security.md, What is left).
 */
test('what a unit has written to the log it can have delivered to another stream', async () => {
  const operator = await managerOf('operator')
  await operator.streams.add({ name: 'SPACE_shop_CHANGES', subjects: ['spacegrid.shop.changes'] })
  const [unit, client] = await Promise.all([managerOf('unit'), raw('unit')])
  client.publish('spacegrid.shop.log', 'of a unit')
  await client.settled()
  await unit.consumers.add('SPACE_shop_LOG', {
    ...{ name: 'elsewhere', deliver_subject: 'spacegrid.shop.changes' },
    ...{ ack_policy: AckPolicy.None, deliver_policy: DeliverPolicy.All },
  })
  await expect
    .poll(async () => (await operator.streams.info('SPACE_shop_CHANGES')).state.messages)
    .toBeGreaterThan(0)
  await Promise.all([operator.close(), unit.close()])
})
