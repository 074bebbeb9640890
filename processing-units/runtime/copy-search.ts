import { isGridError } from '@spacegrid/grid/core/errors'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type {
  RehydrationProgress,
  RehydrationSource,
} from '@spacegrid/grid/engine/replica/rehydration'

/** How a unit's search for an exact copy goes, for people: what comes in, and why none does. */
export class CopySearch {
  readonly #report: Report
  #progress: RehydrationProgress | undefined
  /** Why each source gives no copy, as long as none does. */
  readonly #obstacles = new Map<RehydrationSource, string>()
  #isReaderBusy = false
  /** What was told last. */
  #told = ''

  constructor(report: Report) {
    this.#report = report
  }

  /** `rehydrating`, from where and how far, or what stands in the way. */
  get text(): string {
    const { source, entries } = this.#progress ?? {}
    const from = source === undefined ? '' : ` from ${source}: ${entries} entries`
    const told = [...this.#obstacles].map(([name, reason]) => `${name}: ${reason}`)
    return `rehydrating${from}${told.length === 0 ? '' : `; no copy yet: ${told.join('; ')}`}`
  }

  begin(): void {
    this.#progress = undefined
  }

  progressed(progress: RehydrationProgress): void {
    this.#progress = progress
    this.#obstacles.clear()
  }

  found(): void {
    this.#obstacles.clear()
    this.#told = ''
  }

  /**
   * Told once for each reason, not at every try. A copy that is not as it was sent is nobody's
   * ordinary waiting.
   */
  failed(source: RehydrationSource, error: Error): void {
    this.#progress = undefined
    this.#note(source, error)
    const message = `cannot rehydrate from ${source}: ${error.message}`
    if (message === this.#told) return
    this.#told = message
    const level = isGridError(error, 'record_damaged') ? 'warn' : 'debug'
    this.#report({ kind: 'waiting', level, message, error, details: { source } })
  }

  /**
   * Nobody there, or busy with others: that is how it is when several start. What the log alone is
   * good for depends on what the reader says.
   */
  #note(source: RehydrationSource, error: Error): void {
    const isBusy = isGridError(error, 'overloaded')
    if (source !== 'log') this.#isReaderBusy = isBusy
    if (isBusy || isGridError(error, 'no_responder') || (source === 'log' && this.#isReaderBusy))
      this.#obstacles.delete(source)
    else this.#obstacles.set(source, error.message)
  }
}
