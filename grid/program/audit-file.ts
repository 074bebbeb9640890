import { appendFileSync, renameSync, statSync } from 'node:fs'
import { GridError } from '../core/errors.ts'
import type { AuditRecord } from '../doors/request/access/audit-trail.ts'

/** How often it is told that nothing can be written, ms. */
const toldMs = 60_000

/**
 * Where the trail is written down: a JSON object a line. A file that is as large as it may be
 * becomes the one with `.1` behind its name, in the place of the one before, and is begun anew: so
 * it takes twice its room at most, and whoever wants to keep more fetches what is there in time.
 * What cannot be written is told in the log, and refuses nobody: the log has each record too.
 */
export class AuditFile {
  readonly #path: string
  readonly #bytesMax: number
  readonly #failed: (error: unknown) => void
  #bytes: number
  #toldAt = Number.NEGATIVE_INFINITY

  /**
   * @param failed told what keeps it from being written, once a minute
   * @throws GridError `configuration_invalid` when it cannot be written at all
   */
  constructor(path: string, bytesMax: number, failed: (error: unknown) => void) {
    this.#path = path
    this.#bytesMax = bytesMax
    this.#failed = failed
    try {
      appendFileSync(path, '', { mode: 0o600 })
      this.#bytes = statSync(path).size
    } catch (error) {
      throw new GridError(
        'configuration_invalid',
        `AUDIT_FILE=${path}: it cannot be written (${(error as Error).message})`,
      )
    }
  }

  /** At once: whoever is ended right after has left it there. */
  write(record: AuditRecord): void {
    const line = `${JSON.stringify(record)}\n`
    const bytes = Buffer.byteLength(line)
    try {
      if (this.#bytes + bytes > this.#bytesMax) {
        renameSync(this.#path, `${this.#path}.1`)
        this.#bytes = 0
      }
      appendFileSync(this.#path, line, { mode: 0o600 })
      this.#bytes += bytes
    } catch (error) {
      const now = performance.now()
      if (now - this.#toldAt < toldMs) return
      this.#toldAt = now
      this.#failed(error)
    }
  }
}
