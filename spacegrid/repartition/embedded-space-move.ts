import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Space } from '@spacegrid/grid/core/definition'
import { isGridError } from '@spacegrid/grid/core/errors'
import { type LogName, logNamesOf, spaceOf } from '@spacegrid/grid/core/log-name'
import { movedShape, withPartitions } from '@spacegrid/grid/core/repartition'
import { EmbeddedEnvironment } from '@spacegrid/grid/drivers/embedded/embedded-environment'
import {
  type CountedEntries,
  type EmbeddedDivision,
  EmbeddedMove,
} from '@spacegrid/grid/drivers/embedded/embedded-move'
import { EmbeddedPlace } from '@spacegrid/grid/drivers/embedded/embedded-place'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import type { Checkpoint } from '@spacegrid/grid/engine/ports/store'
import { decodeHeader, encodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { logsOfFolder } from '../audit/known-logs.ts'
import type { Progress } from '../recover/exact-copies.ts'
import { beyond } from '../recover/log-recovery.ts'
import { Refused } from '../recover/refused.ts'
import type { MovePlan } from './move-plan.ts'
import type { SpaceMove } from './space-move.ts'
import { storeRest } from './stored-rest.ts'

const fileKinds = ['log', 'changes'] as const
/** Caches of what commands across partitions have begun and not finished. */
const open = ['_holds', '_commits']

/**
 * A space of an embedded grid that is stopped: its folder belongs to this process meanwhile. What
 * the store does not have yet of the logs is stored first, by pump and writer, as when the grid is
 * started.
 */
export class EmbeddedSpaceMove implements SpaceMove {
  readonly kind = 'embedded'
  readonly #space: string
  readonly #folder: string
  readonly #clock = new SystemClock()
  #environment: EmbeddedEnvironment | undefined

  constructor(space: string, folder: string) {
    this.#space = space
    this.#folder = folder
  }

  async plan(definition: Space, to: number, progress: Progress): Promise<MovePlan | undefined> {
    const { checkpoints, move } = await this.#during((moved) => moved.look())
    const space = this.#space
    if (move) {
      if (move.to !== to)
        throw new Refused(
          `${space} is being moved from ${move.from} to ${move.to} partitions; that has to come to its end first: --partitions ${move.to}`,
        )
      const entries = move.counts.reduce((sum, count) => sum + count.entries, 0)
      return {
        ...{ space, record: { ...move, streams: {} }, goesOn: true },
        ...{ checkpoints: new Map(), entries, forgotten: 0, unfinished: 0 },
      }
    }
    const from = partitionsOf(checkpoints) ?? this.#logsBegun()
    if (from === undefined)
      throw new Refused(`${this.#folder} holds nothing of ${space}: start it with any number`)
    if (from === to) return undefined
    await this.close()
    await storeRest(withPartitions(definition, from), this.#folder, progress)
    if ((await this.#during((moved) => moved.look())).checkpoints.size === 0) {
      // Killed before the first record: what would be moved are empty files.
      for (const logName of logNamesOf(space, from)) this.#removeLogs(logName)
      return undefined
    }
    return await this.#during((moved) => this.#planFor(moved, definition, from, to, progress))
  }

  async #planFor(
    moved: EmbeddedMove,
    definition: Space,
    from: number,
    to: number,
    progress: Progress,
  ): Promise<MovePlan> {
    const space = this.#space
    const { checkpoints } = moved.look()
    const last = await this.#lastOf(logNamesOf(space, from), checkpoints)
    const headers = new Map(
      [...checkpoints].map(([name, { replicated }]) => [name, decodeHeader(replicated.slice())]),
    )
    const shapes = new Map([...headers].map(([logName, { shape }]) => [logName, shape]))
    const shape = movedShape([...shapes.values()], withPartitions(definition, to))
    const counted = wrongIsRefused(space, () =>
      moved.count(shapes, shape, (read) => progress('reading', read)),
    )
    refuseIfOpen(space, counted)
    refuseIfWrong(checkpoints, counted)
    const after = beyond(last)
    const time = Math.max(...[...headers.values()].map((header) => header.time))
    const { counts, found, forgotten, own } = counted
    return {
      ...{ space, goesOn: false, checkpoints, forgotten, unfinished: own.get('_parts') ?? 0 },
      entries: [...found.values()].reduce((sum, count) => sum + count.entries, 0),
      record: {
        ...{ from, to, after, counts, streams: {} },
        replicated: encodeHeader({ position: after, time, shape, origins: [] }),
      },
    }
  }

  async carryOut({ record, goesOn }: MovePlan, progress: Progress): Promise<void> {
    const { from, to, after, replicated, counts } = record
    const note = { from, to, after, replicated, counts }
    await this.#during(async (moved) => {
      if (!goesOn) moved.move(note, (read) => progress('rewriting', read))
      const names = logNamesOf(this.#space, to)
      const identities = new Map<LogName, string>()
      for (const logName of names) {
        for (const kind of fileKinds) {
          const identity = await this.#replace(`${logName}-${kind}`, after)
          if (kind === 'log') identities.set(logName, identity)
        }
        progress('making logs', identities.size)
      }
      for (const logName of logNamesOf(this.#space, from))
        if (!names.includes(logName)) this.#removeLogs(logName)
      moved.finish(note, identities)
    })
  }

  async close(): Promise<void> {
    await this.#environment?.close()
    this.#environment = undefined
  }

  /** How many there are of a space of which nothing was stored before its grid died. */
  #logsBegun(): number | undefined {
    const names = logsOfFolder(this.#folder).filter((name) => spaceOf(name) === this.#space)
    return names.length > 0 ? names.length : undefined
  }

  /** @throws GridError `configuration_invalid` while the grid runs */
  async #during<T>(work: (moved: EmbeddedMove) => T | Promise<T>): Promise<T> {
    this.#environment ??= new EmbeddedEnvironment(this.#folder)
    const moved = new EmbeddedMove(this.#space, this.#environment)
    try {
      return await work(moved)
    } finally {
      await moved.close()
    }
  }

  /** The last position of all logs and change queues. */
  async #lastOf(
    logNames: readonly LogName[],
    checkpoints: ReadonlyMap<LogName, Checkpoint>,
  ): Promise<number> {
    let last = 0
    for (const logName of logNames) {
      const log = await this.#place(`${logName}-log`).look()
      const checkpoint = checkpoints.get(logName)
      const fits =
        log && log.identity === checkpoint?.logIdentity && log.last === checkpoint.position
      if (!fits)
        throw new Refused(
          `${logName} is not stored up to the end of its log: npx spacegrid start, and stop it when it is ready; or npx spacegrid recover --space ${logName}`,
        )
      const changes = await this.#place(`${logName}-changes`).look()
      last = Math.max(last, log.last, changes?.last ?? 0)
    }
    return last
  }

  async #replace(name: string, after: number): Promise<string> {
    const place = this.#place(name)
    const { identity } = await place.replace(await place.look(), after)
    await place.close()
    // Everything of it is stored.
    rmSync(join(this.#folder, `${name}.mdb.replaced`), { force: true })
    return identity
  }

  #removeLogs(logName: LogName): void {
    for (const kind of [...fileKinds, 'past'])
      for (const ending of ['mdb', 'mdb-lock'])
        rmSync(join(this.#folder, `${logName}-${kind}.${ending}`), { force: true })
  }

  #place(name: string): EmbeddedPlace {
    this.#environment ??= new EmbeddedEnvironment(this.#folder)
    return new EmbeddedPlace(this.#environment, name, this.#clock)
  }
}

function partitionsOf(checkpoints: EmbeddedDivision['checkpoints']): number | undefined {
  for (const { replicated } of checkpoints.values())
    return decodeHeader(replicated.slice()).shape.partitions ?? 1
  return undefined
}

function refuseIfOpen(space: string, { own }: CountedEntries): void {
  for (const cache of open)
    if ((own.get(cache) ?? 0) > 0)
      throw new Refused(
        `${own.get(cache)} commands across partitions of ${space} are not finished (${cache}): npx spacegrid start, wait until /status shows no holds, and stop it`,
      )
}

function refuseIfWrong(
  checkpoints: ReadonlyMap<LogName, Checkpoint>,
  { found }: CountedEntries,
): void {
  for (const [logName, { entries, digest }] of checkpoints) {
    const is = found.get(logName)
    if (is?.entries !== entries || is.digest !== digest)
      throw new Refused(
        `The store does not hold what the checkpoint of ${logName} says: ${is?.entries} entries with the digest ${is?.digest}, not ${entries} with ${digest}. npx spacegrid recover --store`,
      )
  }
}

function wrongIsRefused<T>(space: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (isGridError(error, 'record_damaged'))
      throw new Refused(`${error.message}: npx spacegrid recover --store`)
    if (isGridError(error, 'invalid_input'))
      throw new Refused(`${space} cannot be divided so: ${error.message}`)
    throw error
  }
}
