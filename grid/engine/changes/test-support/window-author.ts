import { SpaceState } from '@spacegrid/grid/core/space-state'
import type { Log } from '../../ports/log.ts'
import type { StoredChange } from '../../ports/store.ts'
import { encodeHeader } from '../../wire/snapshot-codec.ts'
import { encodeWindow, type Window } from '../../wire/window-codec.ts'

export const logIdentity = 'log'

/** A window of one change, to a key named after the position, for tests that do without a pump. */
export function windowOf(
  from: number,
  to: number,
  changes: readonly StoredChange[] = [changeAt(to)],
): Window {
  const header = { ...new SpaceState().header(), position: to }
  const replicated = encodeHeader(header)
  const checkpoint = { position: to, logIdentity, digest: `digest ${to}`, entries: to, replicated }
  return { from, checkpoint, changes, events: [] }
}

export const changeAt = (position: number, key = `key ${position}`): StoredChange => ({
  cache: 'items',
  key,
  value: { position },
  version: 1000 + position,
  position,
})

export const deletionAt = (position: number, key: string): StoredChange => ({
  ...changeAt(position, key),
  value: undefined,
})

/** Publishes windows as a pump would. */
export class WindowAuthor {
  readonly #changes: Log
  readonly #pump: number
  #number = 0

  constructor(changes: Log, pump = 1) {
    this.#changes = changes
    this.#pump = pump
  }

  /**
   * Appends the window's records; with `parts`, only so many of them: its pump dies. Returns the
   * last one's queue position.
   */
  async publish(window: Window, parts = Number.POSITIVE_INFINITY): Promise<number> {
    const id = { pump: this.#pump, number: ++this.#number }
    const { recordBytesMax } = this.#changes
    const records = await encodeWindow(window, id, recordBytesMax, () => undefined)
    let last = (await this.#changes.bounds()).last
    for (const record of records.slice(0, parts)) last = await this.#changes.append(record)
    return last
  }
}
