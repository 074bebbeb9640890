import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { runInThisContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { isOfApplication } from './stray-faults.ts'

const grid = fileURLToPath(new URL('./processing-unit.ts', import.meta.url))
const no = () => {
  throw new Error('it does not want to be looked at')
}
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const trace = (...lines: string[]) =>
  Object.assign(new Error('later'), { stack: ['Error: later', ...lines].join('\n    at ') })
const timers = [
  'listOnTimeout (node:internal/timers:605:17)',
  'processTimers (node:internal/x:5:7)',
]

const driver = 'Socket.x (/app/node_modules/nats/lib/x.js:1:2)'
const socket = 'TCPConnectWrap.afterConnect [as oncomplete] (node:net:2021:16)'
const undici = 'readAllBytes (node:internal/deps/undici/undici:5965:13)'
const files = 'async open (node:internal/fs/promises:1345:25)'
const handler = ['/app/main.ts:8:4', `run (${grid}:1:1)`]

/** Of the application, or of whoever has begun it. */
type Whose = boolean | 'begun'

test.each<[string, unknown, thrown: Whose, rejected: Whose]>([
  [
    'a timer of the application',
    trace('Timeout._onTimeout (/app/main.ts:80:42)', ...timers),
    true,
    true,
  ],
  [
    'its use of the grid later on',
    trace(`Recorder.put (file://${grid}:9:1)`, '/app/main.ts:8:4'),
    true,
    true,
  ],
  ['a promise of it', trace('async pay (file:///app/pay.ts:3:9)'), true, true],
  ['what is no error', null, true, true],
  ['what does not let itself be looked at', revoked(), true, true],
  [
    'an error whose stack throws',
    Object.defineProperty(new Error(), 'stack', { get: no }),
    true,
    true,
  ],
  ['an error without a stack', Object.assign(new Error('it'), { stack: undefined }), true, true],
  ['the grid', trace(`Incarnation.tick (file://${grid}:9:1)`, ...timers), false, false],
  ['a handler that the grid calls', trace(...handler), false, true],
  ['its wrong use of the grid', trace(`Recorder.put (${grid}:9:1)`, ...handler), false, true],
  ['a driver', trace(driver), 'begun', 'begun'],
  ['what a driver of the grid calls', trace(`tick (file://${grid}:9:1)`, driver), 'begun', false],
  ['what its own driver calls', trace('/app/main.ts:8:4', driver), 'begun', true],
  ['a driver that the application calls', trace(driver, '/app/main.ts:8:4'), true, true],
  ['nobody that is known', trace(...timers), 'begun', 'begun'],
  ['a socket', trace(socket), 'begun', 'begun'],
  ['a fetch', trace(), true, true],
  ['what a fetch has brought', trace(undici), 'begun', true],
  ['a file', trace(files), 'begun', true],
  ['a file that the grid waits for', trace(files, `async tick (file://${grid}:9:1)`), false, false],
])('%s', (_, error, thrown, rejected) => {
  for (const isBegunByGrid of [true, false]) {
    const told = [false, true].map((isRejection) =>
      isOfApplication(error, isRejection, isBegunByGrid),
    )
    expect(told).toEqual([thrown, rejected].map((it) => (it === 'begun' ? !isBegunByGrid : it)))
  }
})

test('what really happens to promises that a callback leaves behind', async () => {
  const told: unknown[] = []
  const hear = (reason: unknown) => told.push(reason)
  process.on('unhandledRejection', hear)
  const left = runInThisContext(
    `(() => {
      const pay = async () => { throw new Error('at once') }
      const later = async () => { await null; throw new Error('later') }
      return () => { void pay(); void later(); void fetch('nonsense:x') }
    })()`,
    { filename: '/application/left.ts' },
  )
  left()
  await vi.waitFor(() => expect(told).toHaveLength(3))
  process.off('unhandledRejection', hear)
  expect(told.filter((reason) => !isOfApplication(reason, true, true))).toEqual([])
})

/** A process that leaves behind a connection to nobody, in the ways that there are. */
function processThat(leaves: string): Promise<{ code: number; stdout: string }> {
  const url = (file: string) => new URL(file, import.meta.url).href
  const program = `import net from 'node:net'
    import { setImmediate as turn } from 'node:timers/promises'
    import { asApplication, asGrid } from '${url('./origin.ts')}'
    import { tellStrayFaults } from '${url('./stray-faults.ts')}'
    // Nothing of this file is in a stack: the error is made when the socket fails.
    const connected = () => new Promise((resolve, reject) => {
      net.connect({ port: 1, host: '127.0.0.1' }).on('connect', resolve).on('error', reject)
    })
    const told = new Promise((resolve) =>
      tellStrayFaults({ error: ({ fault }) => resolve(console.log('told', fault)) }))
    ${leaves}
    await told
    await asGrid(() => turn())
    console.log('alive')`
  return new Promise((resolve) => {
    const words = ['--input-type=module', '--eval', program]
    execFile(process.execPath, words, (error, stdout) => {
      resolve({ code: Number(error?.code ?? 0), stdout })
    })
  })
}

test.each([
  ['at the start', 'void connected()'],
  ['in a callback', 'asGrid(() => asApplication(() => void connected()))'],
  [
    'a while after a callback',
    'asGrid(() => asApplication(() => void setTimeout(() => void connected(), 5)))',
  ],
  [
    'in its module',
    `await asGrid(() => asApplication(() => import('data:text/javascript,import net from "node:net"; net.connect(1, "127.0.0.1")')))`,
  ],
  ['as an event', `asGrid(() => asApplication(() => void net.connect(1, '127.0.0.1')))`],
])('a socket of the application that fails ends nothing: %s', async (_, leaves) => {
  const { code, stdout } = await processThat(leaves)
  expect(stdout).toMatch(/^told connect ECONNREFUSED .*\nalive\n$/)
  expect(code).toBe(0)
})

test.each([
  ['at once', 'asGrid(() => void connected())'],
  ['after a callback', 'asGrid(() => { asApplication(() => 1); void connected() })'],
  ['while it awaits', 'asGrid(async () => { await turn(); void connected() })'],
  ['as an event', `asGrid(() => void net.connect(1, '127.0.0.1'))`],
])('one of the grid ends the process: %s', async (_, leaves) => {
  expect(await processThat(leaves)).toEqual({ code: 1, stdout: '' })
})
