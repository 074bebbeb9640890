import { permissionName } from '../../core/access.ts'
import { type Correction, checkCorrection } from '../../core/correction.ts'
import type { Space } from '../../core/definition.ts'
import type { Messaging, Subscription } from '../../engine/ports/messaging.ts'
import { subjects } from '../../engine/wire/subjects.ts'
import { fromTagged } from '../../engine/wire/tagged-json.ts'
import type { AccessControl } from '../request/access/access-control.ts'
import { parseJsonInput } from '../request/json-input.ts'
import type { FaultLog } from '../request/public-error.ts'
import type { CommandAnswer } from '../request/serving.ts'
import { answeringOperators } from './json-answer.ts'

/** A correction as it comes. */
type CorrectionAsked = Correction & {
  /** Nothing is done: only whether the value fits its cache. */
  readonly check?: boolean
  /** The value has marks for what JSON lacks (`tagged-json.ts`). */
  readonly tagged?: boolean
}

/** A unit as operators may use it. */
export interface Administrable {
  readonly space: Space
  correct(correction: Correction): Promise<CommandAnswer>
  /** What there is to know and to do about its outbox. */
  askOutbox(asked: object): Promise<unknown>
}

/**
 * Serves what operators, not callers, ask of a space: JSON in, JSON out. Who may publish on
 * `spacegrid.*.admin.>` is for NATS to decide, and, where callers are asked who they are, for
 * `{space}:admin:correct` and `{space}:admin:reactions`.
 */
export function serveAdministration(
  messaging: Messaging,
  unit: Administrable,
  log: FaultLog,
  access?: AccessControl,
): Promise<Subscription> {
  const guard = (name: string) => access?.guard(permissionName(unit.space.name, 'admin', name))
  return messaging.serve({
    name: `spacegrid-${unit.space.name}-admin`,
    version: '1.0.0',
    description: `Administration of the space ${unit.space.name}`,
    endpoints: [
      {
        subject: subjects.correct(unit.space.name),
        description:
          'Replaces or makes an entry: {"cache": …, "key": …, "version": …, "value": {…}}; "check": true only looks whether it could',
        respond: answeringOperators(log, guard('correct'), async (data) => {
          // Its shape is checked with the command's.
          const { check, tagged, ...given } = { ...(parseJsonInput(data) as CorrectionAsked) }
          const value = (tagged ? fromTagged(given.value) : given.value) as Correction['value']
          const correction: Correction = { ...given, value }
          if (check) {
            checkCorrection(unit.space, correction)
            return {}
          }
          const { position, version } = await unit.correct(correction)
          return { position, version }
        }),
      },
      {
        subject: subjects.reactions(unit.space.name),
        description: 'The outbox: {"what": "list" | "show" | "replay" | "drop", …}',
        respond: answeringOperators(log, guard('reactions'), (data) =>
          unit.askOutbox(parseJsonInput(data) as object),
        ),
      },
    ],
  })
}
