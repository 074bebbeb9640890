import type { DeclaredEvents } from '../../core/readable-events.ts'

/** A domain event as a message for other services. */
export interface EventMessage {
  readonly name: string
  /** Tells it apart from all others, for whoever gets it twice. */
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly data: Uint8Array
}

/** Both of one moment: others may append at any time. */
export interface StreamedEvent {
  readonly id: string | undefined
  /** Of its message. */
  readonly number: number
}

export interface EventStreamState {
  /** Which events belong into it. */
  readonly readable: DeclaredEvents
  /** Number of its last message; 0: there has been none. */
  readonly last: number
  /** Largest data of one message, bytes. */
  readonly messageBytesMax: number
}

/**
 * Where domain events of one log are published for other services: messages in the order of the
 * log, each once. It is made by units, who know what callers may see of an event, and filled by the
 * data pump.
 */
export interface EventStream {
  /** undefined: there is none, and nothing to be published. */
  look(): Promise<EventStreamState | undefined>
  /** The newest event that it holds, by its id and number; undefined: it holds none. */
  newest(): Promise<StreamedEvent | undefined>
  /**
   * Appends a message if the last one is number `after`; returns its number.
   * @throws GridError `fenced`: it is another one; `log_full`, `record_too_large`: certainly not
   * appended; `log_unavailable`: unknown
   */
  append(message: EventMessage, after: number): Promise<number>
}
