import type { Entry } from '@spacegrid/grid/core/entry'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Auditor } from '@spacegrid/grid/engine/agreement/auditor'
import { fingerprintOf } from '@spacegrid/grid/engine/agreement/fingerprint'
import { findNewestWindow } from '@spacegrid/grid/engine/changes/change-queue'
import type { Life } from '@spacegrid/grid/engine/life/life'
import { Turns } from '@spacegrid/grid/engine/life/turns'
import type { Clock } from '@spacegrid/grid/engine/ports/clock'
import type { StoredChange } from '@spacegrid/grid/engine/ports/store'
import {
  type Rehydrated,
  type RehydrationSource,
  rehydrate,
} from '@spacegrid/grid/engine/replica/rehydration'
import type { PumpPorts } from './pump-options.ts'
import type { PumpStart } from './start-point.ts'

const pauseMs = 250
/** A unit that gives a copy is waited for this long. */
const peerMsMax = 15_000
const entriesAtOnce = 500

/**
 * Where a pump begins that was found wrong. What it published may be stored by now, so the store
 * alone is no good beginning: the state comes from a unit that is right, and whatever the store has
 * differently is published with the first window. Domain events between the last window and the
 * unit's position are not published. undefined: no unit gives a copy; then the store is all there
 * is.
 */
export async function findRepair(
  logName: LogName,
  ports: PumpPorts,
  life: Life,
  auditor: Auditor,
  waiting: (reason: string) => void,
): Promise<PumpStart | undefined> {
  const { log, changes, messaging, clock } = ports
  const copy = async (sources: RehydrationSource[], signal: AbortSignal) => {
    const { suspect } = auditor
    return await rehydrate(log, messaging, clock, {
      ...{ logName, sources, signal, suspect },
      // What the store really has is wanted, right or wrong.
      confirms: async () => true,
      failed: (from, error) => waiting(`${from}: ${error.message}`),
    })
  }
  while (!life.signal.aborted) {
    const { last, storedAt, part } = await life.until(() => findNewestWindow(changes))
    const wrongTo = part?.to ?? 0
    const { state: stored } = await life.finish(() => copy(['store', 'log'], life.signal))
    if (stored.position >= wrongTo) {
      const right = await fromPeer(clock, life, (signal) => copy(['peer'], signal))
      if (!right) return undefined
      const { state, logIdentity, timeSeen } = right
      if (state.position > stored.position) {
        const corrections = await differences(stored, state, clock)
        const from = stored.position
        return {
          ...{ state, logIdentity, timeSeen, from, newest: undefined },
          ...{ last, storedAt, wrongTo, corrections },
        }
      }
    }
    // The writer has windows to apply still, or the unit was behind the store.
    waiting(`the store is at ${stored.position}, the last window ended at ${wrongTo}`)
    await life.sleep(pauseMs)
  }
  return undefined
}

async function fromPeer(
  clock: Clock,
  life: Life,
  copy: (signal: AbortSignal) => Promise<Rehydrated>,
): Promise<Rehydrated | undefined> {
  const patience = new AbortController()
  const timer = clock.after(peerMsMax, () => patience.abort())
  try {
    return await copy(AbortSignal.any([life.signal, patience.signal]))
  } catch (error) {
    if (patience.signal.aborted) return undefined
    throw error
  } finally {
    timer.cancel()
  }
}

/** What makes the one state into the other. */
export async function differences(
  stored: SpaceState,
  right: SpaceState,
  clock: Clock,
): Promise<StoredChange[]> {
  const turns = new Turns(clock)
  const changes: StoredChange[] = []
  let count = 0
  const turn = () => (++count % entriesAtOnce === 0 ? turns.pause() : undefined)
  for (const { name: cache } of right.layout.caches) {
    const before = entriesOf(stored, cache)
    const after = entriesOf(right, cache)
    for (const entry of after.values()) {
      const { key, value, version, position } = entry
      if (!isSame(before.get(key), entry)) changes.push({ cache, key, value, version, position })
      await turn()
    }
    const mayHaveLeft = right.layout.named(cache)?.archiveIndex !== undefined
    for (const { key, version, value } of before.values()) {
      if (!after.has(key)) {
        const gone = { cache, key, value: undefined, version, position: right.position }
        // It may have been deleted, or have left memory: what nobody can tell is kept.
        changes.push(mayHaveLeft ? { ...gone, value, archived: true } : gone)
      }
      await turn()
    }
  }
  return changes
}

const isSame = (one: Entry | undefined, other: Entry): boolean =>
  one !== undefined &&
  one.position === other.position &&
  fingerprintOf(one.version, one.value) === fingerprintOf(other.version, other.value)

function entriesOf(state: SpaceState, cache: string): ReadonlyMap<string, Entry> {
  const layout = state.layout.named(cache)
  return layout ? state.cache(layout.number).entries : new Map()
}
