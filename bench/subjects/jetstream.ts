import { connect, consumerOpts, StorageType } from 'nats'
import { DelayRecord } from '../processes/delay-record.ts'
import { nowSinceBoot } from '../processes/now-since-boot.ts'
import type { Subject } from '../processes/subject.ts'

export interface JetStreamOptions {
  readonly url: string
  readonly stream: string
  /** Follows what another process publishes, and publishes nothing. */
  readonly follows?: boolean
}

/** Of a message: its number, when it was sent, and padding. */
const bytes = 200

/**
 * The least that any log on JetStream costs: a message is published and seen back by an ordered
 * consumer of the same process. No acknowledgement is asked for, because the delivery says as much.
 */
export async function open({ url, stream, follows }: JetStreamOptions): Promise<Subject> {
  // As the grid has it: what is received must not wait behind what is sent.
  const publishing = await connect({ servers: url })
  const tailing = await connect({ servers: url })
  const manager = await publishing.jetstreamManager()
  await manager.streams.add({ name: stream, subjects: [stream], storage: StorageType.File })
  const waiting = new Map<number, () => void>()
  const seen = new DelayRecord()
  const options = consumerOpts().orderedConsumer()
  options.callback((error, message) => {
    if (error || !message) throw error ?? new Error('A delivery without a message')
    const { data } = message
    const view = new DataView(data.buffer, data.byteOffset, data.length)
    if (follows) return seen.record(view.getFloat64(8))
    const number = view.getUint32(0)
    waiting.get(number)?.()
    waiting.delete(number)
  })
  const tail = await tailing.jetstream().subscribe(stream, options)
  let last = 0
  const toOwnDelivery = () => {
    const number = ++last
    const message = Buffer.alloc(bytes)
    message.writeUInt32BE(number, 0)
    message.writeDoubleBE(nowSinceBoot(), 8)
    return new Promise<void>((resolve) => {
      waiting.set(number, resolve)
      publishing.publish(stream, message)
    })
  }
  return {
    operations: { put: toOwnDelivery, publish: toOwnDelivery },
    requests: { startDelays: () => seen.clear(), delays: () => seen.summary() },
    close: async () => {
      tail.unsubscribe()
      await publishing.close()
      await tailing.close()
    },
  }
}
