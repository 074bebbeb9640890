import { GridError } from '../core/errors.ts'
import type { LogName } from '../core/log-name.ts'
import type {
  EntryKey,
  Quarantine,
  QuarantinedEntry,
  QuarantineSummary,
  Replayed,
  StoredChange,
} from '../engine/ports/store.ts'

const nameOf = ({ cache, key }: EntryKey): string => `${cache}/${key}`

/**
 * The quarantine of a store in memory. The values are with the store's entries: it only knows who
 * is in.
 */
export class SimulatedQuarantine implements Quarantine {
  /** Names of the entries that are refused from now on, in any space. */
  readonly refused = new Set<string>()
  readonly #spaces = new Map<string, Map<string, QuarantinedEntry>>()
  readonly #max: number
  readonly #reach: () => void
  #revision = 0

  /** `reach` throws while the store is out of reach. */
  constructor(max: number, reach: () => void) {
    this.#max = max
    this.#reach = reach
  }

  summary(logName: LogName): QuarantineSummary | undefined {
    const entries = this.#spaces.get(logName)
    if (!entries?.size) return undefined
    return {
      count: entries.size,
      revision: String(this.#revision),
      names: [...entries.keys()].slice(0, 100),
    }
  }

  /** @throws GridError `quarantine_full`, before anything has changed */
  apply(logName: LogName, changes: readonly StoredChange[]): void {
    const entries = this.#spaces.get(logName) ?? new Map<string, QuarantinedEntry>()
    const isRefused = (change: StoredChange) => change.value && this.refused.has(nameOf(change))
    const joining = changes.filter((change) => isRefused(change) && !entries.has(nameOf(change)))
    if (entries.size + joining.length > this.#max)
      throw new GridError('quarantine_full', `More than ${this.#max} entries are refused`)
    for (const change of changes) {
      const before = entries.get(nameOf(change))
      if (isRefused(change)) entries.set(nameOf(change), refusalOf(change, before))
      else entries.delete(nameOf(change))
      if (isRefused(change) ? !before : before) this.#revision++
    }
    this.#spaces.set(logName, entries)
  }

  clear(logName: LogName): void {
    this.#spaces.delete(logName)
  }

  async list(logName: LogName): Promise<readonly QuarantinedEntry[]> {
    this.#reach()
    return [...(this.#spaces.get(logName)?.values() ?? [])]
  }

  async replay(logName: LogName, keys?: readonly EntryKey[]): Promise<Replayed> {
    const wanted = keys && new Set(keys.map(nameOf))
    const waiting = (await this.list(logName)).filter((entry) => wanted?.has(nameOf(entry)) ?? true)
    const refused = waiting.filter((entry) => this.refused.has(nameOf(entry)))
    const released = waiting.filter((entry) => !this.refused.has(nameOf(entry)))
    for (const entry of released) this.#spaces.get(logName)?.delete(nameOf(entry))
    if (released.length > 0) this.#revision++
    return { released: released.map(({ cache, key }) => ({ cache, key })), refused }
  }
}

function refusalOf(change: StoredChange, before: QuarantinedEntry | undefined): QuarantinedEntry {
  const { cache, key, version, position, value } = change
  return {
    ...{ cache, key, version, position, code: undefined, reason: 'The test refuses it' },
    firstPosition: before?.firstPosition ?? position,
    versions: (before?.versions ?? 0) + 1,
    bytes: JSON.stringify(value).length,
    since: 0,
  }
}
