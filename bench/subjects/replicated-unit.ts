import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { streams, subjects } from '@spacegrid/grid/engine/wire/subjects'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { defineCache, defineCommand, defineProjection, defineSpace, Type } from 'spacegrid'
import { DelayRecord } from '../processes/delay-record.ts'
import { nowSinceBoot } from '../processes/now-since-boot.ts'
import type { Subject } from '../processes/subject.ts'

export interface ReplicatedUnitOptions {
  readonly natsUrl: string
  readonly space: string
  readonly number: number
}

const markSchema = Type.Object({
  markId: Type.String(),
  /** When its command was called. */
  at: Type.Integer(),
  note: Type.String(),
})
const note = 'A note that makes the entry about as large as the messages that it is compared with.'
const keys = 1000

/**
 * A unit whose entries say when they were written; on every other unit of the space it shows how
 * long they took until they could be read.
 */
export async function open({ natsUrl, space, number }: ReplicatedUnitOptions): Promise<Subject> {
  const seen = new DelayRecord()
  const marks = defineCache('marks', { schema: markSchema, key: 'markId' })
  const mark = defineCommand('mark', {
    input: Type.Object({ markId: Type.String(), at: Type.Integer() }),
    handler: (tx, { markId, at }) => {
      tx.put(marks, { markId, at, note })
      return null
    },
  })
  const visibility = defineProjection('visibility', {
    of: marks,
    // Called when the entry has been applied, before anything else can run: from now on queries see
    // it.
    where: ({ at }) => {
      seen.record(at)
      return false
    },
  })
  const definition = defineSpace(space, {
    caches: [marks],
    commands: [mark],
    projections: [visibility],
  })
  const name = `unit-${number}`
  const log = await JetStreamLog.open(natsUrl, {
    stream: streams.log(space),
    subject: subjects.log(space),
  })
  const messaging = await NatsMessaging.open(natsUrl, { name })
  const ports = { log, messaging, clock: new SystemClock(), random: new SystemRandom() }
  const unit = new ProcessingUnit(name, definition, ports, { sources: ['log'] })
  unit.start()
  while (!unit.readiness().ready) await new Promise((wake) => setTimeout(wake, 5))
  return {
    operations: {
      publish: (turn) =>
        unit.execute('mark', { markId: `mark-${turn % keys}`, at: nowSinceBoot() }),
    },
    requests: { startDelays: () => seen.clear(), delays: () => seen.summary() },
    close: async () => {
      await unit.stop()
      await messaging.close()
      await log.close()
    },
  }
}
