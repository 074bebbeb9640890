import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { rehydrate } from '../../kit/store-conformance.ts'
import { SystemClock } from '../system/system-clock.ts'
import { EmbeddedEnvironment } from './embedded-environment.ts'
import { EmbeddedLog } from './embedded-log.ts'
import { EmbeddedStore } from './embedded-store.ts'

const clock = new SystemClock()

// architecture.md, invariants 5 and 6
test('kill -9 loses nothing that was acknowledged, tears nothing apart, and leaves the directory free', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spacegrid-kill-'))
  const appended = new Map<number, string>()
  let stored = 0
  for (const lines of [100, 700, 400])
    for (const { what, position, content } of await writeUntilKilled(directory, lines))
      if (what === 'log') appended.set(position, content)
      else stored = position

  const environment = new EmbeddedEnvironment(directory)
  const log = new EmbeddedLog(environment, 'log', clock)
  const { first, last } = await log.bounds()
  expect(last).toBeGreaterThanOrEqual(Math.max(...appended.keys()))
  expect(first).toBeGreaterThan(1)
  for (let position = first; position <= last; position++) {
    const record = await log.read(position)
    expect(record).toBeDefined()
    const content = appended.get(position) ?? ''
    expect(Buffer.from(record!.data).toString('latin1', 0, content.length)).toBe(content)
  }

  const store = new EmbeddedStore(environment, 'store', clock)
  const { entries, end } = await rehydrate(store, 'space', [])
  expect(end).toBeGreaterThanOrEqual(stored)
  expect([...entries.values()].map(({ position }) => position)).toEqual(Array(50).fill(end))
  await store.close()
  await environment.close()
  await rm(directory, { recursive: true })
}, 30_000)

interface Acknowledged {
  readonly what: string
  readonly position: number
  readonly content: string
}

/**
 * Starts a process that writes, kills it after so many acknowledgements, and returns all that it
 * has printed.
 */
async function writeUntilKilled(directory: string, lines: number): Promise<Acknowledged[]> {
  const program = join(import.meta.dirname, 'test-support', 'write-until-killed.ts')
  const child = spawn(process.execPath, [program, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const acknowledged: Acknowledged[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, position, content] = line.split(' ')
    // The last line may have been cut short by the kill.
    if (!what || !position || !content) continue
    acknowledged.push({ what, position: Number(position), content })
    if (acknowledged.length === lines) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  expect(acknowledged.length).toBeGreaterThanOrEqual(lines)
  return acknowledged
}
