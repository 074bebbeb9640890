import { isGridError } from '../../core/errors.ts'
import type { LogRecord } from '../ports/log.ts'
import type { Traceparent } from '../ports/tracing.ts'
import { decodeWindowPart, type WindowPart } from '../wire/window-codec.ts'

/** A whole window of the change queue, not yet unpacked. */
export interface QueuedWindow {
  /** Positions of its first and last record in the queue. */
  readonly first: number
  readonly last: number
  readonly from: number
  readonly to: number
  readonly logIdentity: string
  readonly digest: string
  readonly bytes: number
  readonly parts: readonly WindowPart[]
  /** Traces that are kept, to which what it holds belongs. Left out: none. */
  readonly traces?: readonly Traceparent[] | undefined
}

/**
 * undefined: the record is no part of a window, and counts as not being there. `damaged` is told
 * why.
 * @throws GridError `format_unsupported`
 */
export function partIn(
  { data }: Pick<LogRecord, 'data'>,
  damaged?: (error: Error) => void,
): WindowPart | undefined {
  try {
    return decodeWindowPart(data)
  } catch (error) {
    if (!isGridError(error, 'record_damaged')) throw error
    damaged?.(error)
    return undefined
  }
}

/**
 * Puts windows together from the records of the queue. A pump appends the parts of a window one
 * right behind the other (the fence sees to that), so whatever is not continued at once never will
 * be: its pump died or was replaced, and the next pump publishes the same positions again.
 */
export class WindowAssembler {
  #parts: WindowPart[] = []
  #first = 0
  readonly #damaged: ((error: Error, position: number) => void) | undefined

  /** `damaged`: told of a record that is no part of a window. */
  constructor(damaged?: (error: Error, position: number) => void) {
    this.#damaged = damaged
  }

  /** The window that the record completes, if it does. */
  add(
    position: number,
    data: Uint8Array,
    traces?: readonly Traceparent[],
  ): QueuedWindow | undefined {
    const part = partIn({ data }, (error) => this.#damaged?.(error, position))
    if (!part) {
      this.#parts = []
      return undefined
    }
    if (part.part === 0) {
      this.#parts = [part]
      this.#first = position
    } else if (this.#continuedBy(position, part)) this.#parts.push(part)
    else this.#parts = []
    if (part.part < part.parts - 1 || this.#parts.length === 0) return undefined
    const { from, to, logIdentity, digest } = part
    const parts = this.#parts
    this.#parts = []
    const bytes = parts.reduce((sum, { bytes: { byteLength } }) => sum + byteLength, 0)
    const window = {
      first: this.#first,
      last: position,
      from,
      to,
      logIdentity,
      digest,
      bytes,
      parts,
    }
    return traces ? { ...window, traces } : window
  }

  #continuedBy(position: number, { pump, number, part }: WindowPart): boolean {
    const [first] = this.#parts
    return (
      first !== undefined &&
      first.pump === pump &&
      first.number === number &&
      part === this.#parts.length &&
      position === this.#first + part
    )
  }
}
