import { contentBytes } from '@spacegrid/grid/core/growth'
import type { SpaceState } from '@spacegrid/grid/core/space-state'
import { isRemovedIfInMemory, type StoredChange } from '@spacegrid/grid/engine/ports/store'
import { encodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import type { Window, WindowEvent } from '@spacegrid/grid/engine/wire/window-codec'

/**
 * What melding has done since the last published window: of every key the last outcome, and every
 * domain event. Outcomes that have been published already are passed over, so a pump may begin from
 * any state at or before that window.
 */
export class WindowCollector {
  /** Where the window begins: all up to here has been published. */
  #from: number
  #caches = new Map<string, Map<string, StoredChange>>()
  #events: WindowEvent[] = []
  #changeCount = 0
  #bytes = 0

  constructor(from: number) {
    this.#from = from
  }

  get from(): number {
    return this.#from
  }

  /** Content of the changes and events. */
  get bytes(): number {
    return this.#bytes
  }

  /** Changes and events: what takes memory here, and bytes in the queue. */
  get size(): number {
    return this.#changeCount + this.#events.length
  }

  add(change: StoredChange): void {
    if (change.position <= this.#from) return
    this.#put(change)
  }

  /** What was published before is wrong in this entry, however old it is. */
  correct(change: StoredChange): void {
    const isKnown = () => this.#caches.get(change.cache)?.has(change.key) ?? false
    if (isRemovedIfInMemory(change) && isKnown()) return
    this.#put(change)
  }

  emit(event: WindowEvent): void {
    if (event.position <= this.#from) return
    this.#events.push(event)
    this.#bytes += contentBytes(event.payload)
  }

  /** Everything up to the state's position as a window; the next one begins there. */
  close(state: SpaceState, logIdentity: string): Window {
    const window: Window = {
      from: this.#from,
      checkpoint: {
        position: state.position,
        logIdentity,
        digest: state.digest.toString(),
        entries: state.entryCount,
        replicated: encodeHeader(state.header()),
      },
      changes: [...this.#changes()],
      events: this.#events,
    }
    this.#from = state.position
    this.#clear()
    return window
  }

  /**
   * The window that was closed last has not been published: what it held, and was not overwritten
   * since, is collected again.
   */
  reopen({ from, changes, events }: Window): void {
    for (const change of changes)
      if (!this.#caches.get(change.cache)?.has(change.key)) this.#put(change)
    this.#events = [...events, ...this.#events]
    this.#bytes += bytesOf(events)
    this.#from = from
  }

  /** Another pump has published everything up to `position`. */
  forget(position: number): void {
    if (position <= this.#from) return
    const changes = [...this.#changes()].filter((change) => change.position > position)
    const events = this.#events.filter((event) => event.position > position)
    this.#clear()
    for (const change of changes) this.#put(change)
    this.#events = events
    this.#bytes += bytesOf(events)
    this.#from = position
  }

  *#changes(): Generator<StoredChange> {
    for (const cache of this.#caches.values()) yield* cache.values()
  }

  #put(change: StoredChange): void {
    let cache = this.#caches.get(change.cache)
    if (!cache) {
      cache = new Map()
      this.#caches.set(change.cache, cache)
    }
    const before = cache.get(change.key)
    cache.set(change.key, change)
    if (!before) this.#changeCount++
    this.#bytes += contentBytes(change.value) - (before ? contentBytes(before.value) : 0)
  }

  #clear(): void {
    this.#caches = new Map()
    this.#events = []
    this.#changeCount = 0
    this.#bytes = 0
  }
}

const bytesOf = (events: readonly WindowEvent[]): number =>
  events.reduce((sum, { payload }) => sum + contentBytes(payload), 0)
