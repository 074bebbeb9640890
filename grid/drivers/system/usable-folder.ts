import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import { GridError } from '../../core/errors.ts'
import { makeFolder } from './make-folder.ts'

/** Less than this on the disk, and not even what every program writes at its start would fit. */
const roomBytesMin = 1024 * 1024

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'its file system is read-only',
  ENOSPC: 'its disk is full',
  EDQUOT: 'its disk is full',
  ENOTDIR: 'a file is in its place',
  EEXIST: 'a file is in its place',
  EISDIR: 'a folder is in the place of a file',
  ENOENT: 'no folder can be made there',
}

/**
 * Makes the folder that a variable names, where there is none, and writes to it once, so that one
 * that cannot serve is told before anything is started.
 * @throws GridError `configuration_invalid` with the variable, its value and what is wrong
 */
export function useFolder(variable: string, folder: string): void {
  try {
    makeFolder(folder)
    const probe = join(folder, `.writable-${process.pid}`)
    try {
      writeFileSync(probe, Buffer.alloc(4096))
    } finally {
      rmSync(probe, { force: true })
    }
  } catch (error) {
    // Node names no path when it is the writing that fails.
    const { path = folder } = error as NodeJS.ErrnoException
    throw folderFault(variable, folder, Object.assign(error as Error, { path })) ?? error
  }
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize < roomBytesMin)
    throw unusable(variable, folder, `its disk is full (${bavail * bsize} bytes are free)`)
}

/**
 * What an error of the file system, or its cause, says of the folder that a variable names: about
 * the folder itself, one above it or something in it. Undefined: it is about something else.
 */
export function folderFault(
  variable: string,
  folder: string,
  error: unknown,
): GridError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code = '', path, message } = at as NodeJS.ErrnoException
    if (path === undefined || !isOnTheWay(resolve(path), resolve(folder))) continue
    const reason = reasons[code]
    return unusable(variable, folder, reason ? `${reason} (${message})` : message, at)
  }
  return undefined
}

const isOnTheWay = (path: string, folder: string): boolean =>
  `${path}${sep}`.startsWith(`${folder}${sep}`) ||
  folder.startsWith(`${path}${sep}`) ||
  path === sep

const unusable = (variable: string, folder: string, reason: string, cause?: unknown): GridError =>
  new GridError(
    'configuration_invalid',
    `${variable}=${JSON.stringify(folder)} cannot be used: ${reason}`,
    { cause, details: { directory: resolve(folder) } },
  )
