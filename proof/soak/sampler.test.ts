import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Sampler } from './sampler.ts'
import { type Trend, trendOf } from './trend.ts'

const program = join(import.meta.dirname, 'test-support/leaking.ts')
const rounds = 60

/** What is said of a process that works as often as it is looked at. */
async function judged(...given: string[]): Promise<Trend[]> {
  const child = spawn(process.execPath, [program, ...given], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const sampler = new Sampler([{ name: 'planted', pid: child.pid ?? 0 }])
    for (let round = 0; round < rounds; round++) {
      child.stdin.write(`${round}\n`)
      await once(child.stdout, 'data')
      await sampler.sample()
    }
    return sampler.series().map(trendOf)
  } finally {
    child.kill('SIGKILL')
  }
}

// Skipped: elsewhere than on Linux nothing tells of processes in this way.
describe.skipIf(!existsSync('/proc/self/fd'))('a process that is watched', () => {
  test('is told to leak memory and open files, when it does', async () => {
    const trends = await judged('leaking')
    expect(trends.map(({ what }) => what)).toEqual(['memory of planted', 'descriptors of planted'])
    for (const trend of trends) expect(trend).toMatchObject({ grows: true })
  })

  test('is not, when it does not', async () => {
    for (const trend of await judged()) expect(trend).toMatchObject({ grows: false })
  })
})
