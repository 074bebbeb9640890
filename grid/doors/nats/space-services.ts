import type { AnyCommand, AnyQuery } from '../../core/definition.ts'
import { GridError } from '../../core/errors.ts'
import type {
  Endpoint,
  Message,
  Messaging,
  Responder,
  Subscription,
} from '../../engine/ports/messaging.ts'
import { subjects } from '../../engine/wire/subjects.ts'
import { parseJsonInput } from '../request/json-input.ts'
import { type FaultLog, publicError } from '../request/public-error.ts'
import {
  executeOptions,
  readOptions,
  repeatedHeader,
  requestHeaders,
} from '../request/request-options.ts'
import type { Serving } from '../request/serving.ts'

export interface SpaceServicesOptions {
  /** Told about bugs behind an `internal` answer. */
  readonly log: FaultLog
  /** Version of the application, semantic. Default `0.0.0`. */
  readonly version?: string
}

/**
 * Serves a unit's commands and queries over messaging, for callers in any language: JSON in, JSON out, the shapes and
 * the headers of the HTTP door. Units of one space share the requests. Errors travel as GridErrors; a rejection's
 * reason is in its details. The subjects stay open until the subscription is stopped: a unit that leaves
 * service stops it, or its callers get `not_ready` from it.
 */
export function serveSpace(
  messaging: Messaging,
  unit: Serving,
  options: SpaceServicesOptions,
): Promise<Subscription> {
  const { space } = unit
  const { messageBytesMax } = messaging
  const guarded = (respond: Responder): Responder => {
    return async (message) => {
      try {
        return await respond(message)
      } catch (error) {
        throw publicError(error, options.log)
      }
    }
  }
  const endpoint = (kind: string, it: AnyCommand | AnyQuery, respond: Responder): Endpoint => ({
    subject:
      kind === 'command'
        ? subjects.command(space.name, it.name)
        : subjects.query(space.name, it.name),
    ...(it.description === undefined ? undefined : { description: it.description }),
    metadata: { kind, input: JSON.stringify(it.input) },
    respond: guarded(respond),
  })
  return messaging.serve({
    name: `spacegrid-${space.name}`,
    version: options.version ?? '0.0.0',
    description: space.description ?? `Commands and queries of space ${space.name}`,
    endpoints: [
      ...[...space.commands.values()].map((command) =>
        endpoint('command', command, commandResponder(unit, command.name, messageBytesMax)),
      ),
      ...[...space.queries.values()].map((query) =>
        endpoint('query', query, queryResponder(unit, query.name, messageBytesMax)),
      ),
    ],
  })
}

function commandResponder(unit: Serving, command: string, bytesMax: number): Responder {
  return async (message) => {
    const options = executeOptions(
      oneHeader(message, requestHeaders.idempotencyKey),
      valuesOf(message, requestHeaders.prefer)?.join(', '),
    )
    const input = parseJsonInput(message.data)
    const { result, position, version, replayed, acknowledged } = await unit.execute(
      command,
      input,
      options,
    )
    return answer({ result: result ?? null, position, version }, bytesMax, {
      [requestHeaders.position]: String(position),
      ...(replayed ? { 'Idempotency-Replayed': 'true' } : undefined),
      ...(options.acknowledge ? { 'Preference-Applied': `ack=${acknowledged}` } : undefined),
    })
  }
}

function queryResponder(unit: Serving, query: string, bytesMax: number): Responder {
  return async (message) => {
    const options = readOptions(
      oneHeader(message, requestHeaders.position),
      oneHeader(message, requestHeaders.consistency),
    )
    // Most queries take few fields or none: an empty message is an empty input.
    const input = message.data.length === 0 ? {} : parseJsonInput(message.data)
    const { result, position } = await unit.query(query, input, options)
    return answer({ result: result ?? null, position }, bytesMax, {
      [requestHeaders.position]: String(position),
    })
  }
}

/** Header names are case-sensitive in NATS; callers who write them as in HTTP, in any case, are understood all the same. */
function valuesOf({ headers }: Message, name: string): string[] | undefined {
  const lowerCase = name.toLowerCase()
  let values: string[] | undefined
  for (const key in headers)
    if (key.length === name.length && key.toLowerCase() === lowerCase)
      values = [...(values ?? []), headers[key] as string]
  return values
}

/** @throws GridError `invalid_header`: the header comes several times, in whatever case */
function oneHeader(message: Message, name: string): string | undefined {
  const values = valuesOf(message, name)
  if (values === undefined) return undefined
  const repeated = message.repeated?.some((key) => key.toLowerCase() === name.toLowerCase())
  if (values.length > 1 || repeated) throw repeatedHeader(name)
  return values[0]
}

/** What our headers take of a message at most. */
const headerBytesMax = 512

function answer(
  body: { readonly result: unknown; readonly position: number; readonly version?: number },
  bytesMax: number,
  headers: Readonly<Record<string, string>>,
): Message {
  const data = Buffer.from(JSON.stringify(body))
  if (data.length + headerBytesMax > bytesMax) {
    const message = `The answer has ${data.length} bytes, a message takes ${bytesMax}; ask over HTTP, or for less`
    // A command has taken effect all the same: its position and version say so.
    const details = { ...body, result: undefined, bytes: data.length, bytesMax }
    throw new GridError('body_too_large', message, { details })
  }
  return { data, headers }
}
