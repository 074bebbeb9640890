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

test.each<[string, unknown, thrown: boolean, rejected: boolean]>([
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
  ['a driver', trace(driver), false, false],
  ['a driver that the application calls', trace(driver, '/app/main.ts:8:4'), true, true],
  ['nobody that is known', trace(...timers), false, false],
  ['a socket', trace(socket), false, false],
  ['a fetch', trace(), true, true],
  ['what a fetch has brought', trace(undici), false, true],
  ['a file', trace(files), false, true],
  ['a file that the grid waits for', trace(files, `async tick (file://${grid}:9:1)`), false, false],
])('%s', (_, error, thrown, rejected) => {
  expect([isOfApplication(error, false), isOfApplication(error, true)]).toEqual([thrown, rejected])
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
  expect(told.filter((reason) => !isOfApplication(reason, true))).toEqual([])
})
