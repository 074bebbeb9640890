import type { Value } from '@spacegrid/grid/core/data-types'
import type { Space } from '@spacegrid/grid/core/definition'
import { GridError, Rejection } from '@spacegrid/grid/core/errors'
import { answeringJson } from '@spacegrid/grid/doors/nats/json-answer'
import { parseJsonInput } from '@spacegrid/grid/doors/request/json-input'
import type { FaultLog } from '@spacegrid/grid/doors/request/public-error'
import type { CommandAnswer, ExecuteOptions } from '@spacegrid/grid/doors/request/serving'
import type { Messaging, Subscription } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { isReactionKey } from '../idempotency.ts'

/** What a reaction asks of a space, its own or another one. */
export type ReactRequest =
  | {
      /** Under this key the command is done once; or, to be cancelled, never. */
      readonly kind: 'do' | 'cancel'
      readonly command: string
      readonly input: unknown
      readonly key: string
      /**
       * Log time, ms since the epoch, from which on nothing is begun: whoever asks may have stood
       * still, and what it has seen be long done and forgotten.
       */
      readonly notAfter: number
    }
  | {
      /** What was done under these keys is written down where it came from. */
      readonly kind: 'forget'
      readonly keys: readonly string[]
      /** Where it was done, as the answers said. */
      readonly position: number | string
    }

export type ReactAnswer =
  | { readonly kind: 'done'; readonly result: unknown; readonly position: number | string }
  | { readonly kind: 'refused'; readonly reason: string; readonly details: Value }

/** A unit, of a space with one partition or several, as reactions ask it. */
export interface Reactive {
  readonly space: Space
  /** What time it is in its log. */
  readonly logNow: number
  execute(command: string, input: unknown, options: ExecuteOptions): Promise<CommandAnswer>
  /** The command is not done from now on; if it has been done, its answer. */
  cancel(command: string, input: unknown, key: string): Promise<CommandAnswer>
  /** Keys need not be remembered much longer. */
  forget(keys: readonly string[], position: number | string): Promise<void>
}

/**
 * Does what a reaction asks.
 * @throws GridError as `execute`; `request_timeout` for what comes too late
 */
export async function react(unit: Reactive, request: ReactRequest): Promise<ReactAnswer> {
  if (request.kind === 'forget') {
    await unit.forget(request.keys, request.position)
    return { kind: 'done', result: null, position: request.position }
  }
  const { kind, command, input, key, notAfter } = request
  if (!isReactionKey(key)) throw new GridError('invalid_key', 'This is no key of a reaction')
  if (!(unit.logNow <= notAfter))
    throw new GridError('request_timeout', `The reaction ${key} came too late to be begun`)
  try {
    const asked = { idempotencyKey: key, acknowledge: 'committed' } as const
    const { result, position } =
      kind === 'do'
        ? await unit.execute(command, input, asked)
        : await unit.cancel(command, input, key)
    return { kind: 'done', result: result ?? null, position }
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    return { kind: 'refused', reason: error.reason, details: error.details }
  }
}

/** Serves what reactions of other spaces, and of other partitions, ask of a space: JSON. */
export function serveReactions(
  messaging: Messaging,
  unit: Reactive,
  log: FaultLog,
): Promise<Subscription> {
  const { name } = unit.space
  return messaging.serve({
    name: `spacegrid-${name}-react`,
    version: '1.0.0',
    description: `What reactions ask of the space ${name}`,
    endpoints: [
      {
        subject: subjects.react(name),
        description: 'Between units: a command under a key that is remembered until it is told',
        respond: answeringJson(log, (data) =>
          react(unit, Object(parseJsonInput(data)) as ReactRequest),
        ),
      },
    ],
  })
}
