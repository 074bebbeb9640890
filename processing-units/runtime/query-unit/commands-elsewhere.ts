import type { Acknowledgement, Space } from '@spacegrid/grid/core/definition'
import { GridError, isGridError, Rejection } from '@spacegrid/grid/core/errors'
import { readPosition } from '@spacegrid/grid/core/position'
import { ownKey } from '@spacegrid/grid/doors/request/callers-key'
import { parseJsonInput } from '@spacegrid/grid/doors/request/json-input'
import { requestHeaders } from '@spacegrid/grid/doors/request/request-options'
import type { CommandAnswer, ExecuteOptions } from '@spacegrid/grid/doors/request/serving'
import { traceHeaders } from '@spacegrid/grid/doors/request/trace'
import type { PassOutcome } from '@spacegrid/grid/engine/placement/placement-status'
import type { Message, Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import type { UnitOptions } from '../unit-options.ts'
import { unknownIn } from '../unknown.ts'

/** On top of what whoever does the command may take: the way there and back. */
const hopMs = 1000
const retryAfterMs = 1000

/**
 * The commands that come to a unit that takes none: each is passed on over the NATS door to one of
 * those that take them, as any other caller would, and its answer given as it is. It is sent once:
 * when nothing is heard of it, its caller is told `outcome_unknown` and asks again with the key.
 */
export class CommandsElsewhere {
  readonly #space: Space
  readonly #messaging: Messaging
  readonly #limits: Pick<UnitOptions, 'commandMsMax' | 'persistWaitMsMax' | 'pendingMax'>
  readonly #counts = { answered: 0, elsewhere: 0, unknown: 0 }
  #open = 0

  constructor(
    space: Space,
    messaging: Messaging,
    limits: Pick<UnitOptions, 'commandMsMax' | 'persistWaitMsMax' | 'pendingMax'>,
  ) {
    this.#space = space
    this.#messaging = messaging
    this.#limits = limits
  }

  /** By how they have ended: answered, refusals included; nobody was there; nobody knows. */
  get counts(): Readonly<Record<PassOutcome, number>> {
    return { ...this.#counts }
  }

  /**
   * @throws GridError what the command was refused with; `not_ready` when no unit takes commands,
   * `outcome_unknown`, `overloaded`
   */
  async execute(name: string, input: unknown, options: ExecuteOptions): Promise<CommandAnswer> {
    const command = this.#space.commands.get(name)
    if (!command || command.partOnly) throw unknownIn(this.#space, 'command', name)
    const { commandMsMax, persistWaitMsMax, pendingMax } = this.#limits
    if (this.#open >= pendingMax)
      throw new GridError('overloaded', `${this.#open} commands are waiting`, { retryAfterMs })
    const level = options.acknowledge ?? command.acknowledge
    const persistMs = level === 'persisted' ? persistWaitMsMax : 0
    const withinMs = Math.min(options.withinMs ?? commandMsMax, commandMsMax)
    const timeoutMs = withinMs + persistMs + hopMs
    this.#open++
    try {
      const answer = await this.#messaging.request(
        subjects.command(this.#space.name, name),
        Buffer.from(JSON.stringify(input ?? null)),
        { timeoutMs, headers: headersOf(options) },
      )
      this.#counts.answered++
      return answerIn(answer, level)
    } catch (error) {
      throw this.#failure(error, name)
    } finally {
      this.#open--
    }
  }

  #failure(error: unknown, name: string): unknown {
    if (!isGridError(error)) return error
    switch (error.code) {
      case 'no_responder':
        this.#counts.elsewhere++
        return new GridError(
          'not_ready',
          `This unit answers queries only, and no unit of ${this.#space.name} that takes commands is there`,
          { cause: error, retryAfterMs },
        )
      case 'request_timeout':
        this.#counts.unknown++
        return new GridError(
          'outcome_unknown',
          `${name} was passed on to a unit that takes commands, which has not answered; ask again with the same Idempotency-Key`,
          { cause: error },
        )
      case 'log_unavailable':
        this.#counts.elsewhere++
        return error
      case 'record_too_large':
        return new GridError('body_too_large', error.message, { details: error.details })
      case 'rejected':
        this.#counts.answered++
        return rejectionOf(error)
      default:
        this.#counts.answered++
        return error
    }
  }
}

/** Its reason has travelled among its details. */
function rejectionOf(error: GridError): Rejection {
  if (error instanceof Rejection) return error
  const { reason, ...details } = error.details
  return new Rejection(String(reason), details)
}

/**
 * Whoever does it asks again who it is: nobody needs to believe this unit, and the key becomes the
 * caller's there.
 */
function headersOf({ idempotencyKey, acknowledge, withinMs, caller }: ExecuteOptions) {
  const { trace, credential } = caller?.origin ?? {}
  return {
    ...(idempotencyKey === undefined
      ? {}
      : { [requestHeaders.idempotencyKey]: ownKey(idempotencyKey) }),
    ...(acknowledge === undefined ? {} : { [requestHeaders.prefer]: `ack=${acknowledge}` }),
    ...(withinMs === undefined ? {} : { [requestHeaders.timeout]: `${Math.ceil(withinMs)}ms` }),
    ...(caller?.identity && credential !== undefined ? { Authorization: credential } : {}),
    ...(trace === undefined
      ? {}
      : {
          [traceHeaders.requestId]: trace.requestId,
          [traceHeaders.traceparent]: trace.traceparent,
        }),
  }
}

function answerIn({ data, headers = {} }: Message, acknowledged: Acknowledgement): CommandAnswer {
  const { result, position, version } = Object(parseJsonInput(data))
  const told = readPosition(String(position))
  if (told === undefined || !Number.isSafeInteger(version))
    throw new GridError('record_damaged', 'What a unit has answered to a command is no answer')
  const replayed = headers['Idempotency-Replayed'] === 'true'
  return { result, position: told, version, replayed, acknowledged }
}
