import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { isOfApplication } from './stray-faults.ts'

const grid = fileURLToPath(new URL('./processing-unit.ts', import.meta.url))
const trace = (...lines: string[]) =>
  Object.assign(new Error('later'), { stack: ['Error: later', ...lines].join('\n    at ') })
const timers = [
  'listOnTimeout (node:internal/timers:605:17)',
  'processTimers (node:internal/x:5:7)',
]

test.each<[string, unknown, boolean]>([
  ['a timer of the application', trace('Timeout._onTimeout (/app/main.ts:80:42)', ...timers), true],
  [
    'its use of the grid later on',
    trace(`Recorder.put (file://${grid}:9:1)`, '/app/main.ts:8:4'),
    true,
  ],
  ['a promise of it', trace('async pay (file:///app/pay.ts:3:9)'), true],
  ['what is no error', null, true],
  ['the grid', trace(`Incarnation.tick (file://${grid}:9:1)`, ...timers), false],
  ['a handler that the grid calls', trace('/app/main.ts:8:4', `run (${grid}:1:1)`), false],
  ['a driver', trace('Socket.x (/app/node_modules/nats/lib/x.js:1:2)'), false],
  ['nobody that is known', trace(...timers), false],
])('%s', (_, error, ofApplication) => {
  expect(isOfApplication(error)).toBe(ofApplication)
})
