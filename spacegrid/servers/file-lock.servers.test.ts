import { existsSync } from 'node:fs'
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@spacegrid/proof/support/temporary-folder'
import { expect, test } from 'vitest'
import { tryToLock, withFileLock } from './file-lock.ts'

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

test('the lock of a process whose id is another one by now is void', async () => {
  const file = join(await temporaryFolder('lock'), 'lock')
  await writeFile(file, `${process.pid} of another birth`)
  expect(await withFileLock(file, async () => 'done')).toBe('done')
})

test('a lock that its holder did not live to sign is void after a while', async () => {
  const file = join(await temporaryFolder('lock'), 'lock')
  await writeFile(file, '')
  expect(await tryToLock(file)).toBe(false)
  expect(await tryToLock(file)).toBe(false)
  await utimes(file, 0, 0)
  expect(await withFileLock(file, async () => 'done')).toBe('done')
})

test('a lock file that cannot be written is told at once', async () => {
  const folder = await temporaryFolder('lock')
  await mkdir(join(folder, 'lock'))
  await expect(withFileLock(join(folder, 'lock'), async () => 'done')).rejects.toMatchObject({
    code: 'EISDIR',
    path: join(folder, 'lock'),
  })
})

test('is given back when the work fails', async () => {
  const file = join(await temporaryFolder('lock'), 'lock')
  const failing = withFileLock(file, () => Promise.reject(new Error('no room')))
  await expect(failing).rejects.toThrow('no room')
  expect(existsSync(file)).toBe(false)
})
