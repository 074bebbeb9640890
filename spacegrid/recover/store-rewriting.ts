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
 * Writes the store anew. The first step takes it away from everybody: its checkpoint belongs to no
 * log and has a position of this run's own, so no writer's step begins there, also not another
 * run's. The last step is the real checkpoint, after everything has been read again. Returns the
 * entries whose values the store gives back otherwise.
 * @throws Refused when what was written is not what was to be written; the store is left as being
 * written anew
 */
export async function rewriteStore(
  { findings, copy }: StorePlan,
  { store, random }: RecoveryPorts,
  progress: Progress,
): Promise<readonly string[]> {
  const { logName } = findings
  const { state, logIdentity } = copy
  let at = startOf(random)
  const header = encodeHeader(state.header())
  const building = (position: number): Checkpoint => ({
    ...{ position, logIdentity: writtenAnew, digest: '', entries: 0, replicated: header },
  })
  await store.beginAnew(logName, building(at))
  // From here on nobody moves the store, and nobody trims the log beyond where it was.
  await copy.follow(await copy.last())
  let written = 0
  for (const entries of stepsOf(state)) {
    await store.apply(logName, at, building(at - 1), entries)
    at--
    written += entries.length
    progress('writing', written)
  }
  const different = await readAgain(logName, state, store, progress)
  await store.apply(logName, at, checkpointOf(state, logIdentity), [])
  return different
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
