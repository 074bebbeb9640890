import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { QuarantinedEntry, Store } from '@spacegrid/grid/engine/ports/store'

/** Entries named at a time; of the others their number is told. */
const namedMax = 10
/** A database may say a great deal. */
const reasonLengthMax = 200

const nameOf = ({ cache, key }: QuarantinedEntry): string => `${cache} ${JSON.stringify(key)}`

/**
 * Tells people what the store refuses, once for each entry, and when it has been taken after all.
 * Looks at the store rather than at what this writer does, so that another writer's work, a step
 * whose answer was lost and a replay by hand are all seen.
 */
export class QuarantineWatch {
  readonly #logName: LogName
  readonly #store: Store
  readonly #report: Report
  #revision = ''
  #known = new Map<string, QuarantinedEntry>()

  constructor(logName: LogName, store: Store, report: Report) {
    this.#logName = logName
    this.#store = store
    this.#report = report
  }

  /** Entries in quarantine when it looked last. */
  get count(): number {
    return this.#known.size
  }

  /** @throws GridError `store_unavailable` */
  async look(): Promise<void> {
    const { quarantine } = this.#store
    if (!quarantine) return
    const checkpoint = await this.#store.checkpoint(this.#logName)
    const { revision = '' } = checkpoint?.quarantine ?? {}
    if (revision === this.#revision) return
    const entries = revision === '' ? [] : await quarantine.list(this.#logName)
    const before = this.#known
    this.#known = new Map(entries.map((entry) => [nameOf(entry), entry]))
    this.#revision = revision
    this.#tellRefused(entries.filter((entry) => !before.has(nameOf(entry))))
    this.#tellReleased([...before.values()].filter((entry) => !this.#known.has(nameOf(entry))))
  }

  #tellRefused(entries: readonly QuarantinedEntry[]): void {
    for (const entry of entries.slice(0, namedMax)) {
      const { cache, key, code, reason, firstPosition } = entry
      const cut = reason.length > reasonLengthMax ? `${reason.slice(0, reasonLengthMax)}…` : reason
      const what = code === undefined ? cut : `${cut} (${code})`
      this.#report({
        kind: 'quarantine',
        level: 'warn',
        message: `the store refuses ${nameOf(entry)}, changed at ${firstPosition}: ${what}; it is kept in quarantine: npx spacegrid quarantine show ${cache} ${shellWord(key)} --space ${this.#logName}`,
      })
    }
    if (entries.length > namedMax)
      this.#report({
        kind: 'quarantine',
        level: 'warn',
        message: `the store refuses ${entries.length - namedMax} more entries, ${this.count} in all: npx spacegrid quarantine list --space ${this.#logName}`,
      })
  }

  #tellReleased(entries: readonly QuarantinedEntry[]): void {
    if (entries.length === 0) return
    const names = entries.slice(0, namedMax).map(nameOf).join(', ')
    const more = entries.length > namedMax ? ` and ${entries.length - namedMax} more` : ''
    this.#report({
      kind: 'quarantine',
      level: 'info',
      message: `no longer in quarantine: ${names}${more}; left in it: ${this.count}`,
    })
  }
}

/** As one word of a command line. */
const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
