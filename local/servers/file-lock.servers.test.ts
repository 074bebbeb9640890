import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/test-support/temporary-folder'
import { expect, test } from 'vitest'
import { withFileLock } from './file-lock.ts'

test('one at a time', async () => {
  const file = join(await temporaryFolder('lock'), 'lock')
  let inside = 0
  let most = 0
  const work = async () => {
    inside += 1
    most = Math.max(most, inside)
    await new Promise(setImmediate)
    inside -= 1
  }
  await Promise.all([1, 2, 3].map(() => withFileLock(file, work)))
  expect(most).toBe(1)
  expect(existsSync(file)).toBe(false)
})

test('the lock of a process that has died is void', async () => {
  const file = join(await temporaryFolder('lock'), 'lock')
  // Beyond any process id that a system gives out.
  await writeFile(file, '99999999')
  expect(await withFileLock(file, async () => 'done')).toBe('done')
})

test('is given back when the work fails', async () => {
  const file = join(await temporaryFolder('lock'), 'lock')
  const failing = withFileLock(file, () => Promise.reject(new Error('no room')))
  await expect(failing).rejects.toThrow('no room')
  expect(existsSync(file)).toBe(false)
})
