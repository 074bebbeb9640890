import { hostname } from 'node:os'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { GridError } from './errors.ts'

const url = (protocols: string, what: string) =>
  Type.Optional(Type.String({ pattern: `^(${protocols})://`, description: what }))

const port = (fallback: number, what: string) =>
  Type.Integer({ minimum: 0, maximum: 65_535, default: fallback, description: what })

const wholeNumber = (fallback: number, minimum: number, maximum: number, what: string) =>
  Type.Integer({ minimum, maximum, default: fallback, description: what })

/** Every environment variable the programs read: the one place where they are named, checked and given their defaults. */
export const environmentSchema = Type.Object({
  NATS_URL: Type.Optional(
    Type.String({
      pattern: '^(nats|tls|ws|wss)://[^,\\s]+(,(nats|tls|ws|wss)://[^,\\s]+)*$',
      description: 'one or more comma-separated URLs such as nats://127.0.0.1:4222',
    }),
  ),
  MONGODB_URL: url(
    'mongodb|mongodb\\+srv',
    'a MongoDB URL such as mongodb://127.0.0.1:27017/?replicaSet=rs0',
  ),
  MONGODB_DB: Type.String({
    pattern: '^[A-Za-z0-9_-]{1,63}$',
    default: 'spacegrid',
    description: 'a database name',
  }),
  REDIS_URL: url('redis|rediss', 'a Redis URL such as redis://127.0.0.1:6379'),
  PORT: port(8080, 'a port from 0 to 65535'),
  HOST: Type.String({ minLength: 1, default: '127.0.0.1', description: 'an address to listen on' }),
  ADMIN_PORT: port(9090, 'a port from 0 to 65535'),
  DATA_DIR: Type.String({ minLength: 1, default: '.spacegrid', description: 'a folder' }),
  LOG_LEVEL: Type.Union(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].map((level) =>
      Type.Literal(level),
    ),
    { default: 'info', description: 'trace, debug, info, warn, error, fatal or silent' },
  ),
  STREAM_REPLICAS: wholeNumber(1, 1, 5, 'a whole number from 1 to 5'),
  STREAM_BYTES_MAX: wholeNumber(8 * 1024 ** 3, 1024 ** 2, 2 ** 50, 'bytes, 1 MiB or more'),
  SPACES: Type.String({
    pattern: '^[a-z][A-Za-z0-9]{0,63}(,[a-z][A-Za-z0-9]{0,63})*$',
    default: 'ticketing,auction',
    description: 'comma-separated names of spaces',
  }),
  UNIT_NAME: Type.String({
    pattern: '^[A-Za-z0-9._-]{1,64}$',
    default: `${hostname()}-${process.pid}`.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(-64),
    description: 'letters, digits, dots, dashes and underscores',
  }),
  HOLD_MS: wholeNumber(120_000, 100, 86_400_000, 'ms, from 100 to 86400000'),
  TRIM_DELAY_MS: wholeNumber(60_000, 0, 86_400_000, 'ms, from 0 to 86400000'),
})

export type Environment = Static<typeof environmentSchema>
export type EnvironmentName = keyof Environment

const validator = Compile(environmentSchema)

/**
 * Reads and checks the environment; an empty variable counts as not set. `required` names variables that this program cannot do without.
 * @throws GridError `configuration_invalid` naming variable, value and what is allowed
 */
export function readEnvironment(
  required: readonly EnvironmentName[] = [],
  variables: Readonly<Record<string, string | undefined>> = process.env,
): Environment {
  const values: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(environmentSchema.properties) as [
    EnvironmentName,
    VariableSchema,
  ][]) {
    const text = variables[name]
    if (text === undefined || text === '') {
      if (required.includes(name)) throw invalid(name, 'is not set', schema)
      if (schema.default !== undefined) values[name] = schema.default
    } else values[name] = schema.type === 'integer' ? numberOf(text) : text
  }
  const [error] = validator.Check(values) ? [] : validator.Errors(values)
  if (!error) return values as Environment
  const name = error.instancePath.slice(1) as EnvironmentName
  throw invalid(
    name,
    `is ${JSON.stringify(variables[name])}`,
    environmentSchema.properties[name] as VariableSchema,
  )
}

interface VariableSchema {
  readonly type?: string
  readonly default?: unknown
  readonly description?: string
}

/** Only plain digits are a number: not "", " 1", "0x10" or "1e3". */
const numberOf = (text: string): unknown => (/^-?\d{1,15}$/.test(text) ? Number(text) : text)

const invalid = (name: string, what: string, { description }: VariableSchema): GridError =>
  new GridError('configuration_invalid', `${name} ${what}; it must be ${description}`, {
    details: { variable: name },
  })

/** Runs a program's main function; a configuration it cannot run with ends the process at once, with one line and exit code 2. */
export async function runProgram(main: () => Promise<void> | void): Promise<void> {
  try {
    await main()
  } catch (error) {
    if (!(error instanceof GridError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(error.code === 'configuration_invalid' ? 2 : 1)
  }
}
