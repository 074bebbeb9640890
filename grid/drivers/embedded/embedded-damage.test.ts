import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const runs = Number(process.env.FUZZ_RUNS ?? 60)
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 30))

// docs/decisions/0017
test(`a damaged data directory says so, whatever is damaged, and ends no process by a signal (seed ${seed})`, {
  timeout: 60_000 + runs * 200,
}, async () => {
  const program = join(import.meta.dirname, 'test-support', 'open-damaged.ts')
  const { promise, resolve } = Promise.withResolvers<{ code: unknown; lines: string[] }>()
  execFile(
    process.execPath,
    [program, String(seed), String(runs)],
    { maxBuffer: 2 ** 28 },
    (error, stdout) =>
      resolve({
        code: error ? (error.signal ?? error.code) : 0,
        lines: stdout.trimEnd().split('\n'),
      }),
  )
  const { code, lines } = await promise
  expect({ code, last: lines.at(-1) }).toEqual({ code: 0, last: expect.any(String) })
  expect(lines.filter((line) => !/^\d+ (sound|told \w+)$/.test(line))).toEqual([])
  expect(lines).toHaveLength(runs)
  expect(lines.some((line) => line.endsWith('told record_damaged'))).toBe(true)
})
