import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { GridError } from '@spacegrid/grid/core/errors'
import { makeFolder } from '@spacegrid/grid/drivers/system/make-folder'

const ownersOnly = { folder: 0o700, file: 0o600 } as const

/** What has become of a file of the folder. */
export interface KeptFile {
  readonly name: string
  readonly is: 'made' | 'kept' | 'changed'
}

/**
 * A folder of secrets that its owner alone may look into. What is in it stays as it is, unless
 * everything is to be made anew; what is missing is made.
 */
export class KeyFolder {
  readonly path: string
  readonly #isForced: boolean
  readonly #files: KeptFile[] = []

  /**
   * @param isForced everything is made anew
   * @throws GridError `configuration_invalid` when it cannot be made or others may look into it
   */
  constructor(path: string, isForced = false) {
    this.path = resolve(path)
    this.#isForced = isForced
    try {
      makeFolder(this.path)
      // A new one, or a volume that an engine has just made.
      if (readdirSync(this.path).length === 0) chmodSync(this.path, ownersOnly.folder)
    } catch (cause) {
      throw unusable(this.path, cause)
    }
    if (process.platform !== 'win32' && (statSync(this.path).mode & 0o077) !== 0)
      throw new GridError(
        'configuration_invalid',
        `${this.path}: others may look into it; chmod 700, or another --out`,
      )
  }

  /** In the order in which they were asked for. */
  get files(): readonly KeptFile[] {
    return this.#files
  }

  pathOf(name: string): string {
    return join(this.path, name)
  }

  /** undefined: there is none. */
  read(name: string): string | undefined {
    try {
      return readFileSync(this.pathOf(name), 'utf8')
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw unusable(this.pathOf(name), cause)
    }
  }

  /** What is in the file; made where it is missing. */
  async keep(name: string, make: () => string | Promise<string>): Promise<string> {
    const found = this.#isForced ? undefined : this.read(name)
    if (found !== undefined) {
      this.#files.push({ name, is: 'kept' })
      return found
    }
    const made = await make()
    this.renew(name, made)
    return made
  }

  /** A file that goes with another one that has just been made. */
  renew(name: string, text: string): void {
    this.#write(name, text, existsSync(this.pathOf(name)) ? 'changed' : 'made')
  }

  /** A file that follows from the others, and is never edited. */
  derive(name: string, text: string): void {
    const found = this.read(name)
    if (found === text) this.#files.push({ name, is: 'kept' })
    else this.#write(name, text, found === undefined ? 'made' : 'changed')
  }

  #write(name: string, text: string, is: KeptFile['is']): void {
    const path = this.pathOf(name)
    try {
      writeFileSync(path, text, { mode: ownersOnly.file })
      // The mode is for new files only.
      chmodSync(path, ownersOnly.file)
    } catch (cause) {
      throw unusable(path, cause)
    }
    this.#files.push({ name, is })
  }
}

const unusable = (path: string, cause: unknown): GridError =>
  new GridError(
    'configuration_invalid',
    `${path} cannot be used: ${(cause as NodeJS.ErrnoException).code ?? cause}`,
    { cause },
  )
