import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GridError } from '../../core/errors.ts'

const sqliteBusy = 5

/**
 * Keeps a directory to one process. What holds is an exclusive SQLite transaction on an empty
 * database: it takes a lock of the operating system, which ends with the process however it ends,
 * so there are no stale locks to recognise, and a process in another container that shares the
 * directory is refused as well. Node has no other way to such a lock without a native module.
 */
export class DirectoryLock {
  readonly #database: DatabaseSync

  /**
   * @throws GridError `configuration_invalid` when another process, or another part of this one,
   * holds the directory.
   */
  constructor(directory: string) {
    this.#database = openDatabase(directory)
    const ownerFile = join(directory, 'owner')
    try {
      this.#database.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      this.#database.close()
      if ((error as { errcode?: number }).errcode !== sqliteBusy) throw error
      const owner = readOwner(ownerFile)
      throw new GridError(
        'configuration_invalid',
        `The data directory ${directory} is in use by process ${owner ?? '(unknown)'}: stop it, or choose another directory (DATA_DIR)`,
        { details: { directory, pid: owner ?? null } },
      )
    }
    // Only for the message above; whether the directory is held is never read from it.
    writeFileSync(ownerFile, `${process.pid}\n`)
  }

  release(): void {
    this.#database.close()
  }
}

function openDatabase(directory: string): DatabaseSync {
  const file = join(directory, 'lock')
  try {
    return new DatabaseSync(file)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new GridError(
      'configuration_invalid',
      `The data directory ${directory} (DATA_DIR) cannot be used: ${file}: ${reason}`,
      { cause, details: { directory } },
    )
  }
}

function readOwner(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined
  } catch {
    // The holder may not have written it yet; then the message does without.
    return undefined
  }
}
