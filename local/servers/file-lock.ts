import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { commandLineOf } from './process-identity.ts'
import { waitUntil } from './wait-until.ts'

/** Milliseconds: the other process may be downloading the servers. */
const patienceMs = 300_000

/**
 * Runs `work` while no other process on this machine runs under the same lock file. A dead holder's
 * lock is void.
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true })
  await waitUntil(() => tryToLock(file), {
    timeoutMs: patienceMs,
    what: `the lock ${file} of another process`,
    intervalMs: 100,
  })
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}

/**
 * Whether this process holds the lock from now on, until it removes the file or ends. Asked again after a failure: a dead holder's lock
 * is removed by then.
 */
export async function tryToLock(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx')
    await handle.writeFile(String(process.pid))
    await handle.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const holder = await readFile(file, 'utf8')
  // Empty: taken this very moment, the holder has not signed yet.
  const abandoned = holder !== '' && (await commandLineOf(Number(holder))) === undefined
  if (abandoned) await remove(file, holder)
  return false
}

/**
 * Removes a dead holder's lock. Another process may have done so a moment ago and hold the lock
 * itself by now: what was taken away is looked at, and put back if it is not the dead one's.
 */
async function remove(file: string, deadHolder: string): Promise<void> {
  const aside = `${file}.${process.pid}`
  await rename(file, aside)
  if ((await readFile(aside, 'utf8')) === deadHolder) await rm(aside)
  else await rename(aside, file)
}
