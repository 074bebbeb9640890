import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeFolder } from '@spacegrid/grid/drivers/system/make-folder'
import { birthOf } from './process-identity.ts'

/** Milliseconds: the other process may be building what both need, on a slow machine. */
const patienceMs = 900_000
const pollMs = 100
/** Milliseconds in which a holder has signed its lock, or has died before it could. */
const signingMsMax = 10_000

/**
 * Runs `work` while no other process on this machine runs under the same lock file. A dead holder's
 * lock is void, even when its process id is another's by now.
 * @throws what `work` throws; the system's error when the lock file cannot be written
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  makeFolder(dirname(file))
  const deadline = performance.now() + patienceMs
  while (!(await tryToLock(file))) {
    if (performance.now() > deadline)
      throw new Error(
        `Gave up waiting for the lock ${file} of process ${await holderOf(file)} after ${patienceMs} ms`,
      )
    await sleep(pollMs)
  }
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}

/**
 * Whether this process holds the lock from now on, until it removes the file or ends. Asked again
 * after a failure: a dead holder's lock is removed by then.
 */
export async function tryToLock(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx')
    try {
      await handle.writeFile(`${process.pid} ${await birthOf(process.pid)}`)
    } finally {
      await handle.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const holder = await contentOf(file)
  if (holder !== undefined && (await isAbandoned(file, holder))) await remove(file, holder)
  return false
}

async function isAbandoned(file: string, holder: string): Promise<boolean> {
  if (holder === '') {
    // Taken this very moment, and the holder has not signed yet; or it was killed in between.
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
    return Date.now() - mtimeMs > signingMsMax
  }
  const [pid, ...birth] = holder.split(' ')
  const found = await birthOf(Number(pid))
  return found === undefined || (birth.length > 0 && birth.join(' ') !== found)
}

/** Undefined: given back meanwhile. */
async function contentOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    // Node names no path when it is a folder that was to be read.
    throw Object.assign(error as NodeJS.ErrnoException, { path: file })
  }
}

const holderOf = async (file: string): Promise<string> =>
  (await contentOf(file))?.split(' ')[0] || '(unknown)'

/**
 * Removes a dead holder's lock. Another process may have done so a moment ago and hold the lock
 * itself by now: what was taken away is looked at, and put back if it is not the dead one's.
 */
async function remove(file: string, deadHolder: string): Promise<void> {
  const aside = `${file}.${process.pid}`
  try {
    await rename(file, aside)
  } catch (error) {
    // Another process has just removed it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if ((await readFile(aside, 'utf8')) === deadHolder) await rm(aside)
  else await rename(aside, file)
}
