import { dashed, type LogName } from '@spacegrid/grid/core/log-name'
import { answeringJson } from '@spacegrid/grid/doors/nats/json-answer'
import type { FaultLog } from '@spacegrid/grid/doors/request/public-error'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'

/** A unit of one log that takes commands. */
export interface KnowsNewest {
  /** A position with everything that was stored when it was asked. */
  newest(): Promise<number>
}

/**
 * Tells query units of a log where it ends: `{"position": N}`. Any unit that takes commands does.
 */
export const serveNewest = (
  messaging: Messaging,
  logName: LogName,
  unit: KnowsNewest,
  log: FaultLog,
): Promise<Subscription> =>
  messaging.serve({
    name: `spacegrid-${dashed(logName)}-newest`,
    version: '1.0.0',
    description: `Where the log of ${logName} ends, for units that write nothing to it`,
    endpoints: [
      {
        subject: subjects.newest(logName),
        description: 'A position with everything that was stored when it was asked',
        respond: answeringJson(log, async () => ({ position: await unit.newest() })),
      },
    ],
  })
