import type { LogName } from '@spacegrid/grid/core/log-name'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { fingerprintOf } from '@spacegrid/grid/engine/agreement/fingerprint'
import type { Random } from '@spacegrid/grid/engine/ports/random'
import type {
  Checkpoint,
  RebuildableStore,
  StoredChange,
  StoredEntry,
} from '@spacegrid/grid/engine/ports/store'
import { encodeEntry } from '@spacegrid/grid/engine/wire/entry-codec'
import { encodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import type { Progress } from './exact-copies.ts'
import { checkpointOf } from './log-recovery.ts'
import type { RecoveryPorts } from './recovery-grid.ts'
import { Refused } from './refused.ts'
import type { StorePlan } from './store-recovery.ts'

/**
 * In the checkpoint of a store that is being written anew: it belongs to no log, so nobody begins
 * with it or goes on from it.
 */
export const writtenAnew = 'none: it is being written anew by npx spacegrid recover'

const stepEntriesMax = 2000
const stepBytesMax = 8 * 1024 * 1024

/**
 * Writes the store anew from a copy that a log continues. Returns the entries whose values the
 * store gives back otherwise.
 * @throws Refused when what was written is not what was to be written; the store is left as being
 * written anew
 */
export async function rewriteStore(
  { findings, copy }: StorePlan,
  { store, random }: RecoveryPorts,
  progress: Progress,
): Promise<readonly string[]> {
  const { state, logIdentity } = copy
  const writing = new StoreWriting(findings.logName, state, store, random, writtenAnew)
  await writing.begin()
  // From here on nobody moves the store, and nobody trims the log beyond where it was.
  await copy.follow(await copy.last())
  const different = await writing.write(progress)
  await writing.end(checkpointOf(state, logIdentity))
  return different
}

/**
 * A store that is written anew. The first step takes it away from everybody: its checkpoint
 * belongs to no log and has a position of this run's own, so no writer's step begins there, also
 * not another run's. The last step is the real checkpoint, after everything has been read again.
 */
export class StoreWriting {
  readonly #logName: LogName
  readonly #state: SpaceState
  readonly #store: RebuildableStore
  /** In the checkpoint meanwhile. */
  readonly #identity: string
  #at: number

  constructor(
    logName: LogName,
    state: SpaceState,
    store: RebuildableStore,
    random: Random,
    identity: string,
  ) {
    this.#logName = logName
    this.#state = state
    this.#store = store
    this.#identity = identity
    this.#at = startOf(random)
  }

  async begin(): Promise<void> {
    await this.#store.beginAnew(this.#logName, this.#building(this.#at))
  }

  /**
   * Returns the entries whose values the store gives back otherwise.
   * @param archived what has left memory, in pieces: written too
   * @throws Refused when something else is there than was written
   */
  async write(
    progress: Progress,
    archived?: AsyncIterable<StoredChange[]>,
  ): Promise<readonly string[]> {
    let written = 0
    for (const entries of stepsOf(this.#state)) {
      await this.#apply(entries)
      written += entries.length
      progress('writing', written)
    }
    for await (const entries of archived ?? []) {
      await this.#apply(entries)
      written += entries.length
      progress('writing what has left memory', written)
    }
    return await readAgain(this.#logName, this.#state, this.#store, progress)
  }

  async end(checkpoint: Checkpoint): Promise<void> {
    await this.#store.apply(this.#logName, this.#at, checkpoint, [])
  }

  async #apply(entries: readonly StoredChange[]): Promise<void> {
    await this.#store.apply(this.#logName, this.#at, this.#building(this.#at - 1), entries)
    this.#at--
  }

  #building(position: number): Checkpoint {
    const replicated = encodeHeader(this.#state.header())
    const logIdentity = this.#identity
    return { position, logIdentity, digest: '', entries: 0, replicated }
  }
}

const startOf = (random: Random): number => -1 - (random.integer() % 2 ** 48)

function* stepsOf(state: SpaceState): Generator<StoredChange[]> {
  let step: StoredChange[] = []
  let bytes = 0
  for (const { number, name: cache } of state.layout.caches)
    for (const { key, value, version, position } of state.cache(number).entries.values()) {
      const entry = { cache, key, value, version, position }
      step.push(entry)
      bytes += encodeEntry(entry).byteLength
      if (step.length < stepEntriesMax && bytes < stepBytesMax) continue
      yield step
      step = []
      bytes = 0
    }
  if (step.length > 0) yield step
}

async function readAgain(
  logName: LogName,
  state: SpaceState,
  store: RebuildableStore,
  progress: Progress,
): Promise<string[]> {
  const scan = await store.scan(logName)
  const different: string[] = []
  let count = 0
  try {
    for await (const entries of scan?.chunks() ?? [])
      for (const entry of entries) {
        if (!isIn(state, entry)) throw notWritten(`${entry.cache} ${JSON.stringify(entry.key)}`)
        if (!hasSameValue(state, entry))
          different.push(`${entry.cache} ${JSON.stringify(entry.key)}`)
        if (++count % stepEntriesMax === 0) progress('reading it again', count)
      }
  } finally {
    await scan?.close()
  }
  if (count !== state.entryCount) throw notWritten(`${count} of ${state.entryCount} entries`)
  return different
}

const found = (state: SpaceState, { cache, key }: StoredEntry) =>
  state.find(state.layout.named(cache)?.number ?? 0, key)

const isIn = (state: SpaceState, entry: StoredEntry): boolean => {
  const right = found(state, entry)
  return right?.version === entry.version && right.position === entry.position
}

const hasSameValue = (state: SpaceState, entry: StoredEntry): boolean => {
  const right = found(state, entry)
  return (
    right !== undefined &&
    fingerprintOf(right.version, right.value) === fingerprintOf(entry.version, entry.value)
  )
}

const notWritten = (what: string) =>
  new Refused(
    `The store gives back something else than was written (${what}); nobody reads it until it is written anew: run this again`,
  )
