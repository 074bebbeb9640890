import { fork } from 'node:child_process'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { expect, onTestFinished, test } from 'vitest'
import { isEndless, useOf } from './process-use.ts'

const use = (cpuMs: number, asleep = false) => ({ cpuMs, asleep })

test('endless is what has had its time, or stands still; not what the machine does not let run', () => {
  expect(isEndless(use(5000), use(40_000), use(65_000), 60_000)).toBe(true)
  expect(isEndless(use(5000), use(5000), use(5010, true), 60_000)).toBe(true)
  expect(isEndless(use(5000), use(5000), use(5010), 60_000)).toBe(false)
  expect(isEndless(use(5000), use(5000), use(30_000, true), 60_000)).toBe(false)
})

test.runIf(process.platform === 'linux')('a process that works and one that waits', async () => {
  const start = (source: string) => {
    const child = fork('-e', [source], { execArgv: [] })
    onTestFinished(() => void child.kill('SIGKILL'))
    return child.pid as number
  }
  const busy = start('for (;;);')
  const idle = start('setInterval(() => {}, 1e6)')
  await waitFor(() => (useOf(busy)?.cpuMs ?? 0) > 500 && useOf(idle)?.asleep === true, {
    what: 'the two',
  })
  expect(useOf(2 ** 22 + 1)).toBe(undefined)
})
