import { readFileSync, statSync } from 'node:fs'

/** How often it is looked whether the file is another one, ms. */
const lookMs = 1000

/**
 * A file that others write while the process runs: read at once, and again when it has changed.
 * Looked at by its time and size, so that files that container engines mount, which are exchanged
 * by their folder, are seen too.
 */
export class WatchedFile {
  readonly path: string
  readonly #changed: (text: string | undefined) => void
  readonly #timer: NodeJS.Timeout
  #seen: string

  /** @param changed told its text; undefined: it is gone. What that throws ends the process */
  constructor(path: string, changed: (text: string | undefined) => void) {
    this.path = path
    this.#changed = changed
    this.#seen = this.#look()
    this.#timer = setInterval(() => this.look(), lookMs).unref()
  }

  /** Reads it if it is another one by now. */
  look(): void {
    const seen = this.#look()
    if (seen === this.#seen) return
    this.#seen = seen
    this.#changed(textOf(this.path))
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): string {
    const stat = statSync(this.path, { throwIfNoEntry: false, bigint: true })
    return stat ? `${stat.ino} ${stat.mtimeNs} ${stat.size}` : ''
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
