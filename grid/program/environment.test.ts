import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { GridError } from '../core/errors.ts'
import { environmentSchema, readEnvironment } from './environment.ts'

const defaults = {
  MONGODB_DB: 'spacegrid',
  HOST: '127.0.0.1',
  PORT: 8080,
  ADMIN_PORT: 9090,
  DATA_DIR: '.spacegrid',
  LOG_LEVEL: 'info',
  OTEL_TRACES_SAMPLER_ARG: 0.01,
  STREAM_REPLICAS: 1,
  STREAMS: 'create',
  STREAM_BYTES_MAX: 8_589_934_592,
  EVENTS_BYTES_MAX: 0,
  EVENTS_AGE_MAX_MS: 604_800_000,
  COPIES: 2,
  ROLE: 'unit',
  UNIT_NAME: expect.stringMatching(/^[\w.-]+-\d+$/),
  TRIM_DELAY_MS: 60_000,
  PAST_MS: 0,
  PAST_BYTES_MAX: 1024 ** 3,
  AUDIT_INTERVAL_MS: 86_400_000,
  COMMAND_ENTRIES_MAX: 250_000,
  QUEUE_DELAY_MS: 20,
  SCALED_PROJECT: 'spacegrid',
  SCALED_SERVICE: 'processing-unit',
  SCALED_NAMESPACE: 'default',
  SCALED_DEPLOYMENT: 'processing-unit',
  UNITS_MIN: 1,
  UNITS_MAX: 8,
  UNIT_HOURS_MAX: 0,
  UNIT_BUSY_PERCENT: 60,
  SCALE_IN_AFTER_MS: 120_000,
  IDLE_CORES_MIN: 0.25,
  BODY_BYTES_MAX: 1_048_576,
  STREAMS_MAX: 16_384,
  REQUEST_TIMEOUT_MS: 30_000,
  CONNECTIONS_MAX: 32_768,
  COMPRESSION_LENGTH_MIN: 8192,
  CONSOLE_PORT: 8090,
  GRID_URL: 'http://127.0.0.1:8080',
  WAITING_ROOM_URL: '',
  WAITING_ROOM_TARGET: '',
  WAITING_ROOM_LANES: 'general:1',
  WAITING_ROOM_VISIT_MS: 600_000,
  WAITING_ROOM_CLAIM_MS: 120_000,
  WAITING_ROOM_INSIDE: 100,
  WAITING_ROOM_INSIDE_MAX: 10_000,
  WAITING_ROOM_REQUESTS_MAX: 200,
  AUTH_CLOCK_SKEW_MS: 5000,
  AUTH_NAME_CLAIM: 'sub',
  AUTH_ROLES_CLAIM: 'roles',
  AUDIT_FILE_BYTES_MAX: 67_108_864,
}

function refusalOf(variables: Record<string, string>): GridError {
  try {
    readEnvironment([], variables)
  } catch (error) {
    if (error instanceof GridError && error.code === 'configuration_invalid') return error
    throw error
  }
  throw new Error('was accepted')
}

describe('readEnvironment', () => {
  test('has a default for everything but the servers', () => {
    expect(readEnvironment([], {})).toEqual(defaults)
  })

  test('takes an empty variable for one that is not set', () => {
    expect(readEnvironment([], { PORT: '', NATS_URL: ' ', LOG_LEVEL: '' })).toEqual(defaults)
  })

  test('reads what is set, and leaves alone what is not ours', () => {
    const variables = {
      NATS_URL: 'nats://a:4222,tls://b:4222,c',
      MONGODB_URL: 'mongodb://u:p@a:27017,b:27018/?replicaSet=rs0',
      REDIS_URL: 'rediss://:p@a:6379/1',
      HOST: '::1',
      LOG_LEVEL: 'debug',
    }
    const set = { ...variables, PORT: ' 0 ', TRIM_DELAY_MS: '500', PATH: '/bin' }
    const read = { ...defaults, ...variables, PORT: 0, TRIM_DELAY_MS: 500 }
    expect(readEnvironment([], set)).toEqual(read)
  })

  test.each([
    ['PORT', 'abc'],
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '80.5'],
    ['PORT', '0x50'],
    ['PORT', '1e3'],
    ['ADMIN_PORT', '99999999999999999999'],
    ['HOST', 'a b'],
    ['LOG_LEVEL', 'loud'],
    ['LOG_LEVEL', 'INFO'],
    ['STREAM_REPLICAS', '0'],
    ['TRIM_DELAY_MS', '2147483648'],
    ['NATS_URL', 'http://a'],
    ['NATS_URL', 'nats://a,,b'],
    ['NATS_URL', 'wss://a'],
    ['NATS_URL', 'nats://a,ws://b'],
    ['MONGODB_URL', 'wss://a'],
    ['REDIS_URL', 'wss://a'],
    ['REDIS_URL', 'unix:///tmp/redis.sock'],
    ['ROLE', 'queries'],
    ['ROLE', 'Query'],
    ['NODE_ENV', 'prod'],
    ['NODE_ENV', 'Production'],
    ['MONGODB_URL', 'localhost'],
    ['MONGODB_DB', 'a.b'],
    ['REDIS_URL', 'redis://'],
    ['DATA_DIR', 'a\0b'],
    ['TRUSTED_PROXIES', '1'],
    ['TRUSTED_PROXIES', '10.0'],
    ['TRUSTED_PROXIES', '10.0.0.300'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', '0.0.0.0/0'],
    ['TRUSTED_PROXIES', 'fd00::/129'],
    ['TRUSTED_PROXIES', '10.0.0.1,'],
    ['TRUSTED_PROXIES', 'gateway'],
    ['TRUSTED_PROXIES', '*'],
  ])('refuses %s=%s in one line', (name, value) => {
    const { message } = refusalOf({ [name]: value })
    expect(message).toContain(`${name}=${JSON.stringify(value)}: allowed is `)
    expect(message).not.toContain('\n')
  })

  test('misses what a program cannot do without', () => {
    expect(() => readEnvironment(['NATS_URL', 'PORT'], { NATS_URL: '' })).toThrow(
      /^NATS_URL is not set: allowed is comma-separated servers such as nats:/,
    )
  })

  test('names every wrong variable', () => {
    expect(refusalOf({ PORT: 'a', ADMIN_PORT: 'b' }).details.problems).toHaveLength(2)
  })

  test.each(['ticketing:16', 'ticketing:16,auction', 'a:1024,b:1'])('takes SPACES=%s', (value) => {
    expect(readEnvironment([], { SPACES: value }).SPACES).toBe(value)
  })

  test.each(['a:', 'a:0', 'a:01', 'a:x', 'a:1.5', 'a:-1', 'a:16:2', ':16', 'a.7', 'a:2,'])(
    'refuses SPACES=%s',
    (value) => {
      expect(refusalOf({ SPACES: value }).message).toContain(
        'allowed is comma-separated names such as ticketing:16,auction',
      )
    },
  )

  test('refuses more partitions than a space may have', () => {
    expect(refusalOf({ SPACES: 'b,a:1025' }).message).toBe(
      'SPACES="b,a:1025": a cannot have more than 1024 partitions',
    )
  })

  test('refuses a space that is named twice, once divided', () => {
    expect(refusalOf({ SPACES: 'a:16,a' }).message).toBe('SPACES="a:16,a": a is named twice')
  })

  test.each(['a,a', 'a,b,c,b'])('refuses a space that is named twice: %s', (value) => {
    expect(refusalOf({ SPACES: value }).message).toMatch(/^SPACES="[abc,]+": [ab] is named twice$/)
  })

  test('warns of a variable that is near to one of ours, and of no other', () => {
    const lines: string[] = []
    const set = { MONGDB_URL: 'mongodb://a', HOME: '/root', PATH: '/bin' }
    expect(readEnvironment([], set, (line) => lines.push(line))).toEqual(defaults)
    expect(lines).toEqual(['MONGDB_URL is set, which nothing reads: is MONGODB_URL meant?'])
  })

  test.each(['10.0.0.7', '10.0.0.0/8,fd00::/8,::1', 'loopback,uniquelocal'])(
    'takes TRUSTED_PROXIES=%s',
    (value) => {
      const { TRUSTED_PROXIES } = readEnvironment([], { TRUSTED_PROXIES: value })
      expect(TRUSTED_PROXIES).toBe(value)
    },
  )

  test('says what is wrong with a secret without it', () => {
    const { message } = refusalOf({ CONSOLE_TOKEN: 'too short' })
    expect(message).toBe('CONSOLE_TOKEN=***: allowed is 16 to 1024 characters')
  })

  test('shows no password', () => {
    const { message } = refusalOf({
      MONGODB_URL: 'mongo://user:secret@host',
      REDIS_URL: 'x://:secret@h',
    })
    expect(message).not.toContain('secret')
    expect(message).toContain('MONGODB_URL="mongo://***@host"')
  })
})

test('a process with a wrong value ends at once, with code 2 and one line', async () => {
  const url = (file: string) => new URL(file, import.meta.url).href
  const main = `import { readEnvironment } from '${url('./environment.ts')}'
    import { runProgram } from '${url('./run-program.ts')}'
    await runProgram(() => void readEnvironment())
    console.log('started')`
  const run = (port: string) =>
    new Promise((resolve) => {
      const options = { env: { ...process.env, PORT: port } }
      execFile(
        process.execPath,
        ['--input-type=module', '--eval', main],
        options,
        (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
      )
    })
  const allowed = 'allowed is an integer from 0 to 65535 (0: any free port)'
  expect(await run('http')).toEqual({ code: 2, stdout: '', stderr: `PORT="http": ${allowed}\n` })
  expect(await run('8081')).toEqual({ code: 0, stdout: 'started\n', stderr: '' })
})

test('docs/operations.md names every variable, and no other', async () => {
  const page = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const table = page.slice(page.indexOf('## Environment'), page.indexOf('Local servers ('))
  const named = [...table.matchAll(/^\| `([A-Z_]+)` /gm)].map(([, name]) => name)
  expect(named.toSorted()).toEqual(Object.keys(environmentSchema.properties).toSorted())
})
