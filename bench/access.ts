import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveSpace } from '@spacegrid/grid/doors/nats/space-services'
import { AccessControl } from '@spacegrid/grid/doors/request/access/access-control'
import { ApiKeys, makeApiKey } from '@spacegrid/grid/doors/request/access/api-keys'
import { AuditTrail } from '@spacegrid/grid/doors/request/access/audit-trail'
import { Authenticator } from '@spacegrid/grid/doors/request/access/authenticator'
import { Permissions } from '@spacegrid/grid/doors/request/access/permissions'
import { TokenVerifier, tokenAlgorithms } from '@spacegrid/grid/doors/request/access/token-verifier'
import { RequestPipeline } from '@spacegrid/grid/doors/request/request-pipeline'
import type { Serving } from '@spacegrid/grid/doors/request/serving'
import type { Endpoint, Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { Command } from 'commander'
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { defineCache, defineCommand, defineQuery, defineSpace, Type } from 'spacegrid'
import { whole } from 'spacegrid/command-line/option-values'
import { runCommand } from 'spacegrid/command-line/run-command'
import { EmbeddedGrid } from 'spacegrid/embedded/embedded-grid'

interface Options {
  readonly rounds: number
  readonly queries: number
  readonly commands: number
}

const counters = defineCache('counters', {
  schema: Type.Object({ id: Type.String(), count: Type.Integer() }),
  key: 'id',
})
const space = defineSpace('counting', {
  caches: [counters],
  commands: [
    defineCommand('add', {
      input: Type.Object({ id: Type.String() }),
      access: ['clerk'],
      handler: (tx, { id }) => {
        tx.put(counters, { id, count: (tx.get(counters, id)?.count ?? 0) + 1 })
      },
    }),
  ],
  queries: [
    defineQuery('count', {
      input: Type.Object({ id: Type.String() }),
      access: ['clerk'],
      handler: (read, { id }) => read.get(counters, id)?.count ?? 0,
    }),
  ],
})

/** Asked at the same time. */
const concurrency = 64

interface Way {
  readonly name: string
  readonly query: () => Promise<unknown>
  readonly command: () => Promise<unknown>
}

/** The door of NATS without a network: what lies between a message and its answer. */
async function wayOf(
  name: string,
  unit: Serving,
  access: AccessControl | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<Way> {
  const endpoints: Endpoint[] = []
  const messaging = {
    messageBytesMax: 1024 * 1024,
    serve: async (service: { readonly endpoints: readonly Endpoint[] }) => {
      endpoints.push(...service.endpoints)
      return { stop: async () => undefined }
    },
  } as unknown as Messaging
  const log = { error: (_fields: object, message: string) => process.stderr.write(`${message}\n`) }
  await serveSpace(messaging, unit, { log, pipeline: new RequestPipeline({ access }) })
  const endpoint = (kind: string) => {
    const found = endpoints.find(({ subject }) => subject.includes(kind))
    if (!found) throw new Error(`nothing answers ${kind}`)
    return found
  }
  const [query, command] = [endpoint('.query.'), endpoint('.command.')]
  let turn = 0
  const message = () => ({ data: Buffer.from(`{"id":"${turn++ % 1000}"}`), headers })
  return {
    name,
    query: async () => await query.respond(message()),
    command: async () => await command.respond(message()),
  }
}

async function waysOf(unit: Serving): Promise<readonly Way[]> {
  const { text, record } = makeApiKey('bench', ['clerk'], { now: Date.now() })
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwks = createLocalJWKSet({
    keys: [{ ...(await exportJWK(publicKey)), kid: 'a', alg: 'ES256' }],
  })
  const issuer = 'https://login.example'
  const options = {
    ...{ issuer, audience: ['grid'], algorithms: tokenAlgorithms, clockSkewMs: 0 },
    ...{ nameClaim: 'sub', rolesClaim: 'roles', claims: [] },
  }
  const token = await new SignJWT({ roles: ['clerk'], more: 'x'.repeat(300) })
    .setProtectedHeader({ alg: 'ES256', kid: 'a' })
    .setIssuer(issuer)
    .setAudience('grid')
    .setSubject('bench')
    .setExpirationTime('1h')
    .sign(privateKey)
  const access = new AccessControl({
    authenticator: new Authenticator({
      keys: new ApiKeys([record], Date.now),
      tokens: new TokenVerifier(jwks, options, Date.now),
    }),
    permissions: new Permissions([space]),
    audit: new AuditTrail({ write: () => undefined, now: Date.now }),
  })
  const trace = { 'X-Request-Id': 'bench' }
  return await Promise.all([
    wayOf('off', unit, undefined, trace),
    // Once more: what two that are the same differ by.
    wayOf('off, again', unit, undefined, trace),
    wayOf('API key', unit, access, { ...trace, Authorization: `Api-Key ${text}` }),
    wayOf('token', unit, access, { ...trace, Authorization: `Bearer ${token}` }),
  ])
}

/** Processor time of the process, µs each: what else the machine does is not in it. */
async function timeOf(ask: () => Promise<unknown>, count: number): Promise<number> {
  const begun = process.cpuUsage()
  for (let done = 0; done < count; done += concurrency)
    await Promise.all(Array.from({ length: concurrency }, ask))
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / count
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] as number

async function run({ rounds, queries, commands }: Options): Promise<void> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'bench-access-'))
  const grid = new EmbeddedGrid([space], { dataDirectory, unitsPerSpace: 1 })
  grid.start()
  try {
    while (!grid.readiness().ready) await new Promise((wake) => setTimeout(wake, 5))
    const ways = await waysOf(grid.serving[0] as unknown as Serving)
    const kinds = [
      ['query', queries],
      ['command', commands],
    ] as const
    process.stdout.write(
      `load ${loadavg()
        .map((one) => one.toFixed(1))
        .join(' ')}\n`,
    )
    for (const [kind, count] of kinds) {
      const times = new Map(ways.map(({ name }) => [name, [] as number[]]))
      for (const way of ways) await timeOf(way[kind], count)
      for (let round = 0; round < rounds; round++)
        for (const way of round % 2 ? ways : ways.toReversed())
          times.get(way.name)?.push(await timeOf(way[kind], count))
      const off = times.get('off') as readonly number[]
      for (const [name, own] of times) {
        // Of the same round: what else the machine does is in both.
        const ratio = median(own.map((time, round) => time / (off[round] as number)))
        process.stdout.write(
          `${kind.padEnd(8)} ${name.padEnd(11)} ${median(own).toFixed(2).padStart(7)} µs  ${ratio.toFixed(3)} of off\n`,
        )
      }
    }
    process.stdout.write(
      `load ${loadavg()
        .map((one) => one.toFixed(1))
        .join(' ')}\n`,
    )
  } finally {
    await grid.stop()
    await rm(dataDirectory, { recursive: true })
  }
}

await runCommand(
  new Command('npm run bench:access --')
    .description('What it costs to ask callers who they are: on and off by turns, in one process.')
    .option('--rounds <number>', 'of each', whole(1, 1000), 21)
    .option('--queries <number>', 'of a round', whole(1, 1_000_000), 12_800)
    .option('--commands <number>', 'of a round', whole(1, 1_000_000), 6400)
    .action(run),
)
