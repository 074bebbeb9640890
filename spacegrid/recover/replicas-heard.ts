import type { LogName } from '@spacegrid/grid/core/log-name'
import { decodeOfAnyLog, encodeAuditMessage } from '@spacegrid/grid/engine/agreement/audit-codec'
import { isReplica, type Teller } from '@spacegrid/grid/engine/agreement/audit-message'
import { Wakeup } from '@spacegrid/grid/engine/life/wakeup'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

/** A unit or a pump that runs, as it tells of itself. */
export interface HeardReplica extends Teller {
  /** Of the log that it follows, or followed last. */
  readonly logIdentity: string
  /** The last position it has told. */
  readonly position: number
}

/** Replicas tell themselves every second. */
const listenMs = 2500
const answerMs = 700

/**
 * Every unit and pump that tells a digest of the space: the one that is furthest on first, and of
 * those who are level a unit.
 * @param isEnough somebody who need not be waited for any longer; left out: all are heard
 */
export async function hearReplicas(
  logName: LogName,
  messaging: Messaging,
  clock: Clock,
  isEnough: (replica: HeardReplica) => boolean = () => false,
): Promise<HeardReplica[]> {
  const heard = new Map<number, HeardReplica>()
  const enough = new Wakeup(clock)
  const subscription = messaging.subscribe(subjects.audit(logName), ({ data }) => {
    const { logIdentity, message } = decodeOfAnyLog(data) ?? {}
    if (logIdentity === undefined || message?.kind !== 'digest' || !isReplica(message.from)) return
    const replica = { ...message.from, logIdentity, position: message.position }
    heard.set(message.from.id, replica)
    if (isEnough(replica)) enough.wake()
  })
  await enough.sleep(new AbortController().signal, listenMs)
  await subscription.stop()
  return [...heard.values()].sort(
    (one, other) => other.position - one.position || other.role.localeCompare(one.role),
  )
}

/** What the other replicas have as their digest at a position, by their names. */
export async function digestsOf(
  logName: LogName,
  logIdentity: string,
  position: number,
  messaging: Messaging,
  clock: Clock,
): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>()
  const subject = subjects.audit(logName)
  const subscription = messaging.subscribe(subject, ({ data }) => {
    const { message } = decodeOfAnyLog(data) ?? {}
    if (message?.kind === 'digest' && isReplica(message.from) && message.position === position)
      digests.set(`${message.from.role} ${message.from.name}`, message.digest)
  })
  messaging.publish(
    subject,
    encodeAuditMessage(logIdentity, { kind: 'ask', position, recount: false }),
  )
  await sleep(clock, answerMs)
  await subscription.stop()
  return digests
}
