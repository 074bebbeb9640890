import { hostname } from 'node:os'
import { type Static, type TSchema, Type } from 'typebox'
import { GridError } from '../core/errors.ts'
import { linesNamed } from '../core/waiting-room.ts'
import { accessProblems, accessVariables } from './access-environment.ts'
import { misspeltVariables } from './misspelt-variables.ts'
import { namedSpaces, spacesPattern, spacesProblem } from './named-spaces.ts'
import { rateLimitPattern } from './rate-limit-text.ts'
import { readSchedule, scheduleAllowed } from './scaling-schedule.ts'
import { readSecretFiles, secretFileVariables } from './secret-files.ts'
import { areTrustedProxies, trustedProxiesAllowed } from './trusted-proxies.ts'
import { type Described, readVariables, shown } from './variables.ts'
import { variablesOfOthers } from './variables-of-others.ts'
import { waitingRoomVariables } from './waiting-room-environment.ts'

const port = (fallback: number, description: string) =>
  Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: fallback,
    description,
    allowed: 'an integer from 0 to 65535 (0: any free port)',
  })

const milliseconds = (fallback: number, minimum: number, description: string) =>
  Type.Integer({
    minimum,
    // setTimeout takes no more.
    maximum: 2_147_483_647,
    default: fallback,
    description,
    allowed: `an integer from ${minimum} to 2147483647 (ms)`,
  })

const units = (fallback: number, description: string) =>
  Type.Integer({
    minimum: 1,
    maximum: 1024,
    default: fallback,
    description,
    allowed: 'an integer from 1 to 1024',
  })

const scaled = (description: string, fallback = 'spacegrid') =>
  Type.String({
    pattern: '^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$',
    default: fallback,
    description,
    allowed: '1 to 63 letters, digits, dots, dashes and underscores',
  })

const file = (description: string) =>
  Type.Optional(Type.String({ pattern: '^[^\\x00]+$', description, allowed: 'the path of a file' }))

const url = (protocols: string, example: string, description: string) =>
  Type.Optional(
    Type.String({
      pattern: `^(${protocols})://[^\\s/,]+[^\\s]*$`,
      description,
      allowed: `a URL such as ${example}`,
    }),
  )

/** The driver speaks TCP only: it would take `ws://` for another way to write `nats://`. */
const natsServer = '(?:(?:nats|tls)://)?[^\\s,/?]+/?(?:\\?[^\\s,]*)?'

/** As a browser writes it: no path, no default port. */
const origin = '[a-z][a-z0-9+.-]*://[^\\s,/*]+'

/**
 * Every environment variable of every component: meaning, default, and what is allowed, in words. A
 * variable that is not set, or set to nothing, has its default; without a default it is absent.
 * Applications have settings of their own (`settings.ts`).
 */
export const environmentSchema = Type.Object({
  NATS_URL: Type.Optional(
    Type.String({
      pattern: `^${natsServer}(?:,${natsServer})*$`,
      description: 'NATS servers; not set: the embedded grid',
      allowed: 'comma-separated servers such as nats://127.0.0.1:4222 (nats:// or tls://)',
    }),
  ),
  MONGODB_URL: url(
    'mongodb|mongodb\\+srv',
    'mongodb://127.0.0.1:27017/?replicaSet=rs0',
    'Replica set; not set: the embedded store',
  ),
  MONGODB_DB: Type.String({
    pattern: '^[^/\\\\. "$*<>:|?\\x00]{1,63}$',
    default: 'spacegrid',
    description: 'MongoDB database',
    allowed: 'a database name: 1 to 63 characters, none of /\\. "$*<>:|?',
  }),
  REDIS_URL: url('rediss?', 'redis://127.0.0.1:6379', 'Redis; not set: no warm image'),
  HOST: Type.String({
    pattern: '^[A-Za-z0-9._:%-]+$',
    default: '127.0.0.1',
    description: 'Address that HTTP listens on',
    allowed: 'an IP address or a host name',
  }),
  PORT: port(8080, 'Public HTTP'),
  ADMIN_PORT: port(9090, 'Health, metrics, administration: never the public port'),
  DATA_DIR: Type.String({
    pattern: '^[^\\x00]+$',
    default: '.spacegrid',
    description: 'Folder of embedded data and of local servers',
    allowed: 'a path',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: url(
    'http|https',
    'http://127.0.0.1:4318',
    'collector that traces are sent to, by OTLP over HTTP; not set: nothing is traced',
  ),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 0.01,
    description: 'share of the traces that begin here which are kept',
    allowed: 'a number from 0 to 1',
  }),
  LOG_LEVEL: Type.Union(
    [
      Type.Literal('fatal'),
      Type.Literal('error'),
      Type.Literal('warn'),
      Type.Literal('info'),
      Type.Literal('debug'),
      Type.Literal('trace'),
      Type.Literal('silent'),
    ],
    {
      default: 'info',
      description: 'Least level that is logged',
      allowed: 'fatal, error, warn, info, debug, trace or silent',
    },
  ),
  STREAM_REPLICAS: Type.Integer({
    minimum: 1,
    maximum: 5,
    default: 1,
    description: 'JetStream replicas; 3 in a NATS cluster',
    allowed: 'an integer from 1 to 5',
  }),
  STREAMS: Type.Union([Type.Literal('create'), Type.Literal('await')], {
    default: 'create',
    description:
      'What becomes of a stream that is missing: `await` waits until somebody else has created it, in a closed grid the data pump',
    allowed: 'create or await',
  }),
  STREAM_BYTES_MAX: Type.Integer({
    minimum: 1024 * 1024,
    maximum: 2 ** 50,
    default: 8 * 1024 ** 3,
    description:
      'Bytes of each stream, shared out among the partitions of a space; at the limit commands get 507',
    allowed: 'an integer from 1048576 to 1125899906842624 (bytes)',
  }),
  LOG_BYTES_MAX: Type.Optional(
    Type.Integer({
      minimum: 1024 * 1024,
      maximum: 2 ** 50,
      description: 'The same of logs alone; STREAM_BYTES_MAX if it is left out',
      allowed: 'an integer from 1048576 to 1125899906842624 (bytes)',
    }),
  ),
  CHANGES_BYTES_MAX: Type.Optional(
    Type.Integer({
      minimum: 1024 * 1024,
      maximum: 2 ** 50,
      description: 'The same of change queues alone; STREAM_BYTES_MAX if it is left out',
      allowed: 'an integer from 1048576 to 1125899906842624 (bytes)',
    }),
  ),
  EVENTS_BYTES_MAX: Type.Integer({
    minimum: 0,
    maximum: 2 ** 50,
    default: 0,
    description:
      'Bytes of the stream of domain events that is created for other services, shared out among the partitions of a space; at the limit the oldest go; 0: none is created',
    allowed: 'an integer from 0 to 1125899906842624 (bytes)',
  }),
  EVENTS_AGE_MAX_MS: milliseconds(
    604_800_000,
    1000,
    'How long domain events stay in the stream that is created for them',
  ),
  SPACES: Type.Optional(
    Type.String({
      pattern: spacesPattern,
      description:
        'Spaces that pump, writer and reader work for, one with several partitions with their number; a program that finds them itself: only these',
      allowed: 'comma-separated names such as ticketing:16,auction',
    }),
  ),
  UNIT_NAME: Type.String({
    pattern: '^[A-Za-z0-9._-]{1,64}$',
    default: `${hostname()}-${process.pid}`.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(-64),
    description: 'Name of this process, unique in the grid; default: host and process id',
    allowed: '1 to 64 letters, digits, dots, dashes and underscores',
  }),
  ROLE: Type.Union([Type.Literal('unit'), Type.Literal('query'), Type.Literal('spare')], {
    default: 'unit',
    description:
      'Of a processing unit: `query` takes no commands, and writes nothing to the log; `spare` waits until whoever has started it calls it up',
    allowed: 'unit, query or spare',
  }),
  TRIM_DELAY_MS: milliseconds(60_000, 0, 'How long what is persisted stays in the streams'),
  PAST_MS: milliseconds(
    0,
    0,
    'How long queries can be asked as of the past; 0: no longer than the log happens to reach back',
  ),
  PAST_BYTES_MAX: Type.Integer({
    minimum: 1024 * 1024,
    maximum: 2 ** 50,
    default: 1024 ** 3,
    description:
      'Bytes that log and kept snapshots of a space may take for the past, never more than half of what the log may; beyond, less of it can be asked for',
    allowed: 'an integer from 1048576 to 1125899906842624 (bytes)',
  }),
  AUDIT_INTERVAL_MS: milliseconds(
    86_400_000,
    0,
    'How often the data reader has every stored entry compared with the units; 0: never',
  ),
  COPIES: Type.Integer({
    minimum: 1,
    maximum: 16,
    default: 2,
    description:
      'Units that keep each partition of a space with several; never more than there are',
    allowed: 'an integer from 1 to 16',
  }),
  ZONE: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9._:/-]{1,64}$',
      description:
        'Failure domain of this unit, such as a rack: of a partition it keeps one copy, if there are enough others',
      allowed: '1 to 64 letters, digits, dots, colons, slashes, dashes and underscores',
    }),
  ),
  MEMORY_MAX: Type.Optional(
    Type.Integer({
      minimum: 32 * 1024 * 1024,
      maximum: 2 ** 50,
      description:
        'Budget of the process, and how much it keeps compared with others; not set: what may live in its heap',
      allowed: 'an integer from 33554432 to 1125899906842624 (bytes)',
    }),
  ),
  COMMAND_BYTES_MAX: Type.Optional(
    Type.Integer({
      minimum: 1024,
      maximum: 64 * 1024 * 1024,
      description: 'Bytes that one command may write; not set: by the budget, at most 64 MiB',
      allowed: 'an integer from 1024 to 67108864 (bytes)',
    }),
  ),
  COMMAND_ENTRIES_MAX: Type.Integer({
    minimum: 1,
    maximum: 250_000,
    default: 250_000,
    description: 'Entries that one command may write',
    allowed: 'an integer from 1 to 250000',
  }),
  QUEUE_DELAY_MS: milliseconds(
    20,
    0,
    'How long commands may wait before they are sent to the log: beyond, fewer are taken and the others get 503; 0: only fixed bounds count',
  ),
  SCALING_DRIVER: Type.Optional(
    Type.Union([Type.Literal('cluster'), Type.Literal('docker'), Type.Literal('kubernetes')], {
      description: 'How the deployment manager starts and stops units',
      allowed: 'cluster (which npx spacegrid cluster --elastic sets), docker or kubernetes',
    }),
  ),
  SCALED_PROJECT: scaled('Compose project of the units, of the driver docker'),
  SCALED_SERVICE: scaled('Compose service of the units, of the driver docker', 'processing-unit'),
  SCALED_NAMESPACE: scaled('Namespace of the units, of the driver kubernetes', 'default'),
  SCALED_DEPLOYMENT: scaled('Deployment of the units, of the driver kubernetes', 'processing-unit'),
  UNITS_MIN: units(1, 'Units that the deployment manager keeps, at least'),
  UNITS_MAX: units(8, 'Units that the deployment manager starts, at most'),
  UNIT_HOURS_MAX: Type.Integer({
    minimum: 0,
    maximum: 1_000_000,
    default: 0,
    description:
      'Hours that units may run within 24, all together: then the deployment manager goes back to UNITS_MIN; 0: without end',
    allowed: 'an integer from 0 to 1000000 (hours)',
  }),
  UNIT_BUSY_PERCENT: Type.Integer({
    minimum: 10,
    maximum: 95,
    default: 60,
    description: 'Part of the time that the event loop of a unit should work, at most',
    allowed: 'an integer from 10 to 95 (percent)',
  }),
  SCALE_IN_AFTER_MS: milliseconds(
    120_000,
    1000,
    'How long fewer units must have been enough before the deployment manager takes one away',
  ),
  SCALING_SCHEDULE: Type.Optional(
    Type.Refine(
      Type.String({
        pattern: '^[^\\x00-\\x1f]{1,10000}$',
        description: 'Times at which the deployment manager has units there beforehand',
        allowed: scheduleAllowed,
      }),
      (text) => readSchedule(text) !== undefined,
    ),
  ),
  IDLE_CORES_MIN: Type.Number({
    minimum: 0,
    maximum: 1024,
    default: 0.25,
    description:
      'Processor cores that must be idle where another unit would run on the machine of the deployment manager; 0: nobody looks',
    allowed: 'a number from 0 to 1024 (cores)',
  }),
  NODE_ENV: Type.Optional(
    Type.Union([Type.Literal('development'), Type.Literal('production'), Type.Literal('test')], {
      description: '`production`: entries are not frozen',
      allowed: 'development, production or test',
    }),
  ),
  EXPLAIN: Type.Optional(
    Type.Boolean({
      description:
        'Whether callers may ask how the answers of queries are found; not set: unless NODE_ENV is production',
      allowed: 'true or false',
    }),
  ),
  BODY_BYTES_MAX: Type.Integer({
    minimum: 1024,
    maximum: 1024 * 1024 * 1024,
    default: 1024 * 1024,
    description: 'Largest body of a command',
    allowed: 'an integer from 1024 to 1073741824 (bytes)',
  }),
  STREAMS_MAX: Type.Integer({
    minimum: 0,
    maximum: 1_000_000,
    default: 16_384,
    description: 'Connections that follow events and live queries of this process; beyond, 503',
    allowed: 'an integer from 0 to 1000000',
  }),
  REQUEST_TIMEOUT_MS: milliseconds(30_000, 0, 'Time in which a request must have arrived; 0: any'),
  TLS_CERT_FILE: file(
    'Certificate of public HTTP, which is HTTPS then; read again when it changes and on SIGHUP; not set: plain HTTP',
  ),
  TLS_KEY_FILE: file('Its key; not set: it is in the same file'),
  CONNECTIONS_MAX: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 32_768,
    description: 'Connections of public HTTP at a time; beyond, they are closed at once',
    allowed: 'an integer from 1 to 1000000',
  }),
  RATE_LIMIT: Type.Optional(
    Type.String({
      pattern: rateLimitPattern,
      description:
        'What one caller may ask of a process over HTTP, such as 100/1s; beyond, 429; not set: as much as it likes',
      allowed: 'a number of requests, a slash and a time in ms, s or m: 100/1s',
    }),
  ),
  CORS_ORIGINS: Type.Optional(
    Type.String({
      pattern: `^(?:\\*|${origin}(?:,${origin})*)$`,
      description: 'Origins whose pages may use HTTP, *: all; not set: none but its own',
      allowed: '* or comma-separated origins such as https://shop.example',
    }),
  ),
  TRUSTED_PROXIES: Type.Optional(
    Type.Refine(
      Type.String({
        description:
          'Proxies whose X-Forwarded-For is believed, which says where a request came from; not set: nobody’s',
        allowed: trustedProxiesAllowed,
      }),
      areTrustedProxies,
    ),
  ),
  COMPRESSION_LENGTH_MIN: Type.Integer({
    minimum: 0,
    maximum: 2 ** 30,
    default: 8192,
    description:
      'Length from which answers are compressed for callers who accept zstd, br or gzip; 0: never',
    allowed: 'an integer from 0 to 1073741824 (characters)',
  }),
  ADMIN_TOKEN: Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{16,1024}$',
      isSecret: true,
      description:
        'Who asks at ADMIN_PORT for more than health shows it (Authorization: Bearer); commands that ask there show it; not set: nobody has to',
      allowed: '16 to 1024 visible ASCII characters',
    }),
  ),
  CONSOLE_TOKEN: Type.Optional(
    Type.String({
      minLength: 16,
      maxLength: 1024,
      isSecret: true,
      description:
        'Who has it may use the console; not set: whoever works on this machine, where HOST is a loopback address, else nobody',
      allowed: '16 to 1024 characters',
    }),
  ),
  CONSOLE_PORT: port(8090, 'HTTP of the console, where it is a process of its own'),
  GRID_URL: Type.String({
    pattern: '^https?://[^\\s/?#]+/?$',
    default: 'http://127.0.0.1:8080',
    description: 'Where the console finds the public HTTP of the grid: a unit or the gateway',
    allowed: 'a URL such as http://127.0.0.1:8080',
  }),
  ...waitingRoomVariables,
  ...accessVariables,
})

export type Environment = Static<typeof environmentSchema>
export type EnvironmentName = keyof Environment

/** All that somebody may have meant who has set a variable with a name like one of these. */
export const knownVariables: readonly string[] = [
  ...Object.keys(environmentSchema.properties),
  ...secretFileVariables,
  ...variablesOfOthers,
]

const schemas = environmentSchema.properties as unknown as Record<string, TSchema & Described>

/**
 * Reads what is set. Called by programs only, once: nothing else looks at the environment.
 * `required` names what this program cannot do without. `warn` is told of variables that are near
 * to ours and that nothing reads.
 * @throws GridError `configuration_invalid`: one line with each wrong variable, its value and what
 * is allowed
 */
export function readEnvironment(
  required: readonly EnvironmentName[] = [],
  variables: Readonly<Record<string, string | undefined>> = process.env,
  warn: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): Environment {
  for (const line of misspeltVariables(variables, knownVariables)) warn(line)
  const secrets = readSecretFiles(variables)
  const { values: environment, problems } = readVariables(schemas, required, secrets.variables)
  problems.push(...secrets.problems)
  const { PORT, ADMIN_PORT } = environment
  if (PORT !== 0 && PORT === ADMIN_PORT)
    problems.push(`PORT and ADMIN_PORT are both ${PORT}: they must differ`)
  const spaces = String(environment.SPACES ?? '')
  const problem = spacesProblem(namedSpaces(spaces))
  if (problem !== undefined) problems.push(`SPACES=${shown(spaces)}: ${problem}`)
  const lines = environment.WAITING_ROOM
  const wrong = typeof lines === 'string' ? linesNamed(lines).problem : undefined
  if (wrong !== undefined) problems.push(`WAITING_ROOM=${shown(String(lines))}: ${wrong}`)
  problems.push(...accessProblems(environment))
  const { UNITS_MIN, UNITS_MAX } = environment
  if (Number(UNITS_MIN) > Number(UNITS_MAX))
    problems.push(`UNITS_MIN=${UNITS_MIN} is more than UNITS_MAX=${UNITS_MAX}`)
  if (problems.length > 0)
    throw new GridError('configuration_invalid', problems.join('; '), { details: { problems } })
  return environment as Environment
}
