import type { Messaging, Subscription } from '../../engine/ports/messaging.ts'
import { subjects } from '../../engine/wire/subjects.ts'
import type { FaultLog } from '../request/public-error.ts'
import { type ProcessTold, processTold } from './process-told.ts'
import type { PrometheusTelemetry } from './prometheus-telemetry.ts'
import type { StatusSource } from './status-source.ts'

/** Whoever asks more often is told the same again, ms. */
const freshMs = 250
const askerPattern = /^[A-Za-z0-9]{1,32}$/

/**
 * Tells those who watch the grid how this process is, whenever they ask (`spacegrid.status.ask`,
 * with a name of theirs as the message): JSON on `spacegrid.status.told.{name}`. Who may ask is for
 * NATS to decide. While nobody asks it costs nothing.
 */
export function answerStatus(
  messaging: Messaging,
  source: StatusSource,
  { telemetry, log }: { readonly telemetry?: PrometheusTelemetry; readonly log: FaultLog },
): Subscription {
  let last: { readonly at: number; readonly text: Promise<Uint8Array> } | undefined
  let asker = ''
  const told = async () => {
    const now = await processTold(source, telemetry)
    const text = Buffer.from(JSON.stringify(now))
    return text.length <= messaging.messageBytesMax ? text : Buffer.from(JSON.stringify(brief(now)))
  }
  const subscription = messaging.subscribe(subjects.askStatus, ({ data }) => {
    const name = Buffer.from(data).toString()
    if (!askerPattern.test(name)) return
    asker = name
    const at = performance.now()
    if (last === undefined || at - last.at > freshMs) last = { at, text: told() }
    last.text
      .then((text) => messaging.publish(subjects.toldStatus(name), text))
      .catch((error) => log.error({ err: error }, 'the status could not be told'))
  })
  return {
    stop: async () => {
      await subscription.stop()
      // Whoever watches need not wait to see that it is no failure.
      if (asker === '') return
      const farewell = { ...brief(await processTold(source, undefined)), wishes: [], gone: true }
      messaging.publish(subjects.toldStatus(asker), Buffer.from(JSON.stringify(farewell)))
    },
  }
}

/** Of a process with more partitions than a message holds. */
const brief = ({ unit, role, ready, reasons, process }: ProcessTold): ProcessTold => ({
  ...{ unit, role, ready, reasons, spaces: {} },
  ...(process ? { process } : {}),
  wishes: ['its status is larger than a message of NATS (max_payload): see its /status'],
})
