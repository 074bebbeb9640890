import { GridError } from '../../core/errors.ts'
import type { Messaging, Subscription } from '../../engine/ports/messaging.ts'
import { subjects } from '../../engine/wire/subjects.ts'
import { readReports } from '../request/admission-reports.ts'
import { parseJsonInput } from '../request/json-input.ts'
import type { LineServing } from '../request/line-serving.ts'
import { placeJson } from '../request/place-json.ts'
import type { FaultLog } from '../request/public-error.ts'
import { answeringJson } from './json-answer.ts'

/**
 * The waiting room over messaging: takes the reports of units, and gives places to callers in any
 * language. `{line, lane?, claim?, ticket?}` in, a place as over HTTP out. Rooms share the
 * requests.
 */
export function serveLines(
  messaging: Messaging,
  room: LineServing,
  log: FaultLog,
): Promise<Subscription> {
  const answering = (answer: (asked: Asked) => Promise<object> | object) =>
    answeringJson(log, (data) => answer(askedOf(data)))
  return messaging.serve({
    name: 'spacegrid-waiting-room',
    version: '0.0.0',
    description: 'Places in line, and who comes in next',
    endpoints: [
      {
        subject: subjects.admissions,
        description: 'Told by units what became of what the admitted have asked',
        respond: answeringJson(log, (data) => {
          room.report(readReports(data))
          return {}
        }),
      },
      {
        subject: subjects.line('join'),
        description: 'A place in line: {"line", "lane"?, "claim"?, "ticket"?}',
        respond: answering(async ({ line, ...joining }) => {
          return placeJson(await room.join(line, joining), room.linkOf(line))
        }),
      },
      {
        subject: subjects.line('look'),
        description: 'How it goes with a place: {"line", "ticket"}',
        respond: answering(({ line, ticket = '' }) =>
          placeJson(room.look(line, ticket), room.linkOf(line)),
        ),
      },
      {
        subject: subjects.line('leave'),
        description: 'Gives up a place, or ends a visit: {"line", "ticket"}',
        respond: answering(({ line, ticket = '' }) => {
          room.leave(line, ticket)
          return { state: 'outside', line }
        }),
      },
    ],
  })
}

interface Asked {
  readonly line: string
  readonly lane?: string
  readonly claim?: string
  readonly ticket?: string
}

/** @throws GridError `invalid_json`, `invalid_input` */
export function askedOf(data: Uint8Array): Asked {
  const asked = parseJsonInput(data) as Readonly<Record<string, unknown>> | null
  for (const name of ['line', 'lane', 'claim', 'ticket'])
    if (
      typeof asked !== 'object' ||
      !['string', name === 'line' ? '' : 'undefined'].includes(typeof asked?.[name])
    )
      throw new GridError('invalid_input', `${name}: must be string`, {
        details: { errors: [{ path: name, message: 'must be string' }] },
      })
  return asked as unknown as Asked
}
