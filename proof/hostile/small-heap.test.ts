import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

/** Less than a list of the fewest items that the messages announce. */
const heap = '--max-old-space-size=96'
const program = join(import.meta.dirname, 'small-heap.ts')
const survive = (...given: string[]) =>
  promisify(execFile)(process.execPath, [heap, program, ...given])

describe('a message of a few bytes that announces millions of items', () => {
  test('takes from no decoder more memory than a small heap has', async () => {
    const { stdout } = await survive()
    const [survived, all] = stdout.split(' of ').map(Number)
    expect(survived).toBe(all)
    expect(survived).toBeGreaterThan(10_000)
  })

  test('would be noticed, if one believed it', async () => {
    await expect(survive('believing')).rejects.toMatchObject({
      stderr: expect.stringContaining('heap out of memory'),
    })
  })
})
