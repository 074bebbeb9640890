import {
  AckPolicy,
  createInbox,
  DeliverPolicy,
  type JetStreamManager,
  type Msg,
  nanos,
  nuid,
  ReplayPolicy,
  type Subscription,
} from 'nats'

/** Quiet intervals after which the consumer counts as gone. */
const quietIntervalsMax = 3
/** The server removes a consumer nobody listens to after this time, should our request to delete it get lost. */
const abandonedAfterMs = 30_000

const digitsOfNanosInMs = 6

export interface ConsumerListener {
  record(position: number, time: number, data: Uint8Array): void
  /** The records may have stopped: silence beyond the heartbeats, or the server says that more were sent than came. */
  lost(reason: string): void
}

/**
 * One ephemeral push consumer of a stream, from one position on, as long as nothing goes wrong: whatever does, ends it. The server
 * pushes as fast as flow control lets it; nothing is acknowledged, and positions are read from the reply subject, so
 * that a record costs no JSON, no promise and no header.
 *
 * Messages that come before `begin` are kept back, flow control with them, so they are bounded by its window.
 */
export class JetStreamConsumer {
  readonly #manager: JetStreamManager
  readonly #stream: string
  readonly #name = nuid.next()
  readonly #listener: ConsumerListener
  readonly #subscription: Subscription
  #position: number
  #kept: Msg[] | undefined = []
  #quietIntervals = 0
  #heartbeatTimer: NodeJS.Timeout | undefined
}
