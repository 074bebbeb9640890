import { setTimeout as sleep } from 'node:timers/promises'
import { GridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { MongoStore } from '@spacegrid/grid/drivers/mongodb/mongo-store'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import type { EntryKey, Replayed } from '@spacegrid/grid/engine/ports/store'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { Environment } from '@spacegrid/grid/program/environment'
import { ownHeaders } from '@spacegrid/grid/program/own-credential'
import { findGrid } from '../audit/audit-targets.ts'
import { logsMeant } from '../audit/logs-meant.ts'
import { nameOf, type SpaceEntry } from './quarantine-text.ts'

const answerMs = 15_000
const pollMs = 200

/** An operator's way to the quarantine of a running, or stopped, grid. */
export class QuarantineDesk {
  readonly #store: MongoStore
  readonly #nats: string | undefined
  /** Who corrects, where units ask. */
  readonly #headers: Readonly<Record<string, string>>
  /** Looked at. */
  readonly logNames: readonly LogName[]

  /** @throws GridError `configuration_invalid` when there is no MongoDB to look at */
  static async open(environment: Environment, space: string | undefined): Promise<QuarantineDesk> {
    const grid = await findGrid(environment)
    if (grid?.mongodb === undefined)
      throw new GridError(
        'configuration_invalid',
        `There is no MongoDB to look at: set MONGODB_URL, or DATA_DIR to the folder of a cluster that runs (npx spacegrid cluster; now: ${environment.DATA_DIR}). The embedded grid (npx spacegrid start) stores every entry and has no quarantine`,
      )
    const logNames = logsMeant(space === undefined ? undefined : [space], grid.logNames)
    return new QuarantineDesk(grid.mongodb, environment, grid.nats, logNames)
  }

  private constructor(
    mongodb: string,
    environment: Environment,
    nats: string | undefined,
    logNames: readonly LogName[],
  ) {
    this.#store = new MongoStore(mongodb, new SystemClock(), { database: environment.MONGODB_DB })
    this.#headers = ownHeaders(environment)
    this.#nats = nats
    this.logNames = logNames
  }

  /** The oldest first, log by log. */
  async list(): Promise<SpaceEntry[]> {
    const entries: SpaceEntry[] = []
    for (const space of this.logNames)
      for (const entry of await this.#store.quarantine.list(space))
        entries.push({ space, ...entry })
    return entries
  }

  /** @throws GridError `not_found` when it is not in quarantine */
  async find(cache: string, key: string): Promise<SpaceEntry> {
    const found = (await this.list()).filter((it) => it.cache === cache && it.key === key)
    const [entry] = found
    if (!entry)
      throw new GridError(
        'not_found',
        `${cache} ${JSON.stringify(key)} is not in quarantine (looked in ${this.logNames.join(', ')}; others are named by --space)`,
      )
    if (found.length > 1)
      throw new GridError(
        'invalid_input',
        `${found.map(({ space }) => space).join(' and ')} both have such an entry: say which with --space`,
      )
    return entry
  }

  async valueOf({ space, cache, key }: SpaceEntry): Promise<unknown> {
    return (await this.#store.get(space, cache, key))?.value
  }

  /** Spaces that have nothing in quarantine are passed over. */
  async replay(entries: readonly SpaceEntry[]): Promise<{
    readonly released: readonly (EntryKey & { readonly space: LogName })[]
    readonly refused: readonly SpaceEntry[]
  }> {
    const released: (EntryKey & { readonly space: LogName })[] = []
    const refused: SpaceEntry[] = []
    for (const [space, some] of Map.groupBy(entries, (entry) => entry.space)) {
      const replayed: Replayed = await this.#store.quarantine.replay(space, some)
      released.push(...replayed.released.map((entry) => ({ space, ...entry })))
      refused.push(...replayed.refused.map((entry) => ({ space, ...entry })))
    }
    return { released, refused }
  }

  /**
   * Puts a new value into the space, through a processing unit and the log. Returns the log
   * position at which it is there.
   * @throws GridError what the unit answers
   */
  async correct(entry: SpaceEntry, value: unknown): Promise<number> {
    if (this.#nats === undefined)
      throw new GridError(
        'configuration_invalid',
        'A correction goes through a processing unit: set NATS_URL',
      )
    const { space, cache, key, version } = entry
    const messaging = await NatsMessaging.open(this.#nats, { name: 'quarantine' })
    try {
      const data = Buffer.from(JSON.stringify({ cache, key, version, value }))
      if (data.length > messaging.messageBytesMax)
        throw new GridError(
          'body_too_large',
          `The value has ${data.length} bytes, a message to a unit takes ${messaging.messageBytesMax}; correct it by a command of the application`,
        )
      const answer = await messaging.request(subjects.correct(space), data, {
        ...{ timeoutMs: answerMs, headers: this.#headers },
      })
      return (JSON.parse(Buffer.from(answer.data).toString()) as { position: number }).position
    } finally {
      await messaging.close()
    }
  }

  /**
   * Waits until the data writer has been at `position`. Returns the entry if it is in quarantine
   * then.
   */
  async persisted(
    { space, cache, key }: SpaceEntry,
    position: number,
    waitMs: number,
  ): Promise<SpaceEntry | undefined> {
    const until = performance.now() + waitMs
    for (;;) {
      const stored = (await this.#store.checkpoint(space))?.position ?? 0
      if (stored >= position) break
      if (performance.now() > until)
        throw new GridError(
          'persist_timeout',
          `The new value of ${cache} ${JSON.stringify(key)} is in the space, at log position ${position}; MongoDB is at ${stored}: is the data writer running?`,
        )
      await sleep(pollMs)
    }
    return (await this.list()).find(
      (entry) => nameOf(entry) === `${space} ${cache} ${JSON.stringify(key)}`,
    )
  }

  async close(): Promise<void> {
    await this.#store.close()
  }
}
