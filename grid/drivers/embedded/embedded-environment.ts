import '../../engine/wire/whole-strings.ts'
import { closeSync, existsSync, fsyncSync, openSync, readSync, statfsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { type ErrorCode, GridError } from '../../core/errors.ts'
import { makeFolder } from '../system/make-folder.ts'
import { DirectoryLock } from './directory-lock.ts'
import { lmdbDamage } from './lmdb-check.ts'

/** What the files look like. Another version than the one found: the directory is not touched. */
const format = 1
const formatKey = 'format'
/**
 * A failed write with less than this left on the disk failed for want of room, whatever number the
 * system gave it.
 */
const roomBytesMin = 1024 * 1024
/** Where every LMDB file has its mark: behind the header of its first page. */
const magicOffset = 24
const magic = 0xbeefc0de
/** Numbers of the operating system's errors (ENOSPC, EFBIG, EDQUOT). */
const outOfRoom: readonly unknown[] = [28, 27, 122]

/**
 * The data directory of an embedded grid: LMDB files, one for each log and one for the store, so
 * that a large write to the store never holds up an append to a log.
 *
 * Every write is one LMDB transaction, which is on disk (data pages synced, then the page that
 * makes them count, written through) when its promise resolves: LMDB's classic order, chosen
 * instead of lmdb-js's `overlappingSync`, which shows a write to readers before it is durable. A
 * crash, even of the machine, leaves the last completed transaction.
 */
export class EmbeddedEnvironment {
  readonly directory: string
  readonly #lock: DirectoryLock
  readonly #files = new Map<string, RootDatabase>()

  /**
   * @throws GridError `configuration_invalid`: the directory is in use, or cannot be made or read.
   */
  constructor(directory: string) {
    this.directory = resolve(directory)
    try {
      makeFolder(this.directory)
      this.#lock = new DirectoryLock(this.directory)
    } catch (error) {
      if (error instanceof GridError) throw error
      throw this.#unusable(error)
    }
  }

  /**
   * Opens a file, or creates it. Its root database holds the format and whatever settings its user
   * keeps there.
   * @param databasesMax named databases that it may have
   * @throws GridError `format_unsupported`, `configuration_invalid`
   */
  open(name: string, databasesMax = 64): RootDatabase<unknown, string> {
    if (this.#files.has(name)) throw new Error(`${name} is open already`)
    const root = this.#openFile(name, databasesMax)
    const found = root.get(formatKey)
    if (found === undefined) {
      try {
        root.putSync(formatKey, format)
      } catch (error) {
        void root.close()
        throw this.#unusable(error)
      }
      // The new file's name must survive a power cut as well as what is in it.
      syncDirectory(this.directory)
    } else if (found !== format) {
      void root.close()
      throw new GridError(
        'format_unsupported',
        `${join(this.directory, name)} has format ${found}; this version reads format ${format}`,
      )
    }
    this.#files.set(name, root)
    return root
  }

  /** Waits for what is being written to a file, and closes it. */
  async closeFile(name: string): Promise<void> {
    const root = this.#files.get(name)
    this.#files.delete(name)
    await root?.close()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.keys()].map((name) => this.closeFile(name)))
    this.#lock.release()
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.directory)
    return bavail * bsize
  }

  /**
   * Waits until a transaction is on disk. False: its condition was not met and nothing has changed.
   * @throws GridError with one of `codes`; nothing has been written then.
   */
  async commit(
    transaction: Promise<boolean>,
    codes: { readonly full: ErrorCode; readonly failed: ErrorCode },
  ): Promise<boolean> {
    try {
      return await transaction
    } catch (error) {
      const cause = await commitErrorOf(error)
      const number = (cause as { code?: unknown } | undefined)?.code
      const full =
        outOfRoom.includes(number) ||
        // LMDB reports a write that was cut short by a full disk as an input/output error.
        this.freeBytes() < roomBytesMin
      throw full
        ? new GridError(codes.full, `The disk of ${this.directory} is full`, { cause })
        : new GridError(codes.failed, `Writing to ${this.directory} failed`, { cause })
    }
  }

  #openFile(name: string, databasesMax: number): RootDatabase<unknown, string> {
    const path = join(this.directory, `${name}.mdb`)
    try {
      if (!isEmptyOrLmdb(path)) throw new Error(`${name}.mdb is not an LMDB file`)
      const damage = existsSync(path) ? lmdbDamage(path) : undefined
      if (damage !== undefined) throw this.damaged(name, damage)
      return open<unknown, string>({
        path,
        overlappingSync: false,
        // Its own batching rejects promises that nobody holds when a commit fails; ours is
        // explicit.
        eventTurnBatching: false,
        maxDbs: databasesMax,
      })
    } catch (error) {
      throw error instanceof GridError ? error : this.#unusable(error)
    }
  }

  /** What to tell when what is in a file is not what was written. */
  damaged(name: string, what: string, cause?: unknown): GridError {
    return new GridError(
      'record_damaged',
      `The data directory ${this.directory} is damaged: ${name}.mdb: ${what}. Put back a backup of the directory (docs/operations.md, "A damaged data directory")`,
      { cause, details: { directory: this.directory, file: `${name}.mdb` } },
    )
  }

  #unusable(cause: unknown): GridError {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new GridError(
      'configuration_invalid',
      `The data directory ${this.directory} (DATA_DIR) cannot be used: ${reason}`,
      { cause, details: { directory: this.directory } },
    )
  }
}

/** lmdb-js does not survive opening anything else. */
function isEmptyOrLmdb(path: string): boolean {
  if (!existsSync(path)) return true
  const descriptor = openSync(path, 'r')
  try {
    const head = Buffer.alloc(magicOffset + 4)
    const length = readSync(descriptor, head)
    return length === 0 || head.readUInt32LE(magicOffset) === magic
  } finally {
    closeSync(descriptor)
  }
}

/** lmdb-js rejects with a summary; the reason is in a promise beside it. */
async function commitErrorOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> }
  if (!commitError) return error
  return commitError.then(
    () => error,
    (reason) => reason,
  )
}

function syncDirectory(directory: string): void {
  // Windows has no such thing, and does not need it.
  if (process.platform === 'win32') return
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
