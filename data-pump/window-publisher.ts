import { GridError } from '@spacegrid/grid/core/errors'
import { partIn } from '@spacegrid/grid/engine/changes/window-assembler'
import type { Life } from '@spacegrid/grid/engine/life/life'
import { Turns } from '@spacegrid/grid/engine/life/turns'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Traceparent } from '@spacegrid/grid/engine/ports/tracing'
import { encodeWindow, type Window, type WindowId } from '@spacegrid/grid/engine/wire/window-codec'

export interface Published {
  /** Queue position of the window's last record. */
  readonly last: number
  readonly bytes: number
}

/**
 * Appends windows to the change queue, each record fenced by the one before it: so of several pumps
 * only one gets through at any place, and a record is there once, whatever the network does. While
 * the queue is full or cannot be reached it waits; nothing is dropped.
 */
export class WindowPublisher {
  readonly #changes: Log
  readonly #life: Life
  readonly #pump: number
  readonly #turns: Turns
  #number = 0

  /** `pump` names this life of the pump: no other has the same number. */
  constructor(changes: Log, life: Life, pump: number) {
    this.#changes = changes
    this.#life = life
    this.#pump = pump
    this.#turns = new Turns(life.clock)
  }

  /**
   * Appends the window behind the queue's record at `after`.
   * @param verify asked before each record is appended, however often: throws GridErrors while that
   * must not be; `log_replaced`: it never may
   * @param traces that the window belongs to
   * @throws GridError `fenced` when something else is behind it: another pump is active
   */
  async publish(
    window: Window,
    after: number,
    verify: () => Promise<void>,
    traces?: readonly Traceparent[],
  ): Promise<Published> {
    const id = { pump: this.#pump, number: ++this.#number }
    const records = await encodeWindow(window, id, this.#changes.recordBytesMax, this.#turns.pause)
    let last = after
    let bytes = 0
    for (const [part, record] of records.entries()) {
      // What is put together of all its records bears the traces of the last one.
      const isLast = part === records.length - 1
      await this.#append(record, id, part, last, verify, isLast ? traces : undefined)
      last++
      bytes += record.byteLength
    }
    return { last, bytes }
  }

  async #append(
    record: Uint8Array,
    id: WindowId,
    part: number,
    after: number,
    verify: () => Promise<void>,
    traces: readonly Traceparent[] | undefined,
  ): Promise<void> {
    await this.#life.until(async () => {
      await verify()
      try {
        await this.#changes.append(record, { expectedLast: after, traces })
      } catch (error) {
        if (!(error instanceof GridError) || error.code !== 'fenced') throw error
        // The outcome of an earlier try may have been unknown: then the record behind the fence is
        // our own.
        if (!(await this.#isOwn(id, part, after + 1))) throw error
      }
    }, isFinal)
  }

  async #isOwn({ pump, number }: WindowId, part: number, position: number): Promise<boolean> {
    const record = await this.#changes.read(position)
    if (!record) return false
    const found = partIn(record)
    return found?.pump === pump && found.number === number && found.part === part
  }
}

const isFinal = ({ code }: GridError): boolean =>
  code === 'fenced' ||
  code === 'log_replaced' ||
  code === 'record_too_large' ||
  code === 'format_unsupported'
