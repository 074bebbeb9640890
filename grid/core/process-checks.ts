import type { AnyCommand } from './definition.ts'
import { checkFunction, checkSynchronous } from './definition-checks.ts'
import type { AnyEventType, EventType } from './event-type.ts'
import type { CommandAct, Retry } from './process.ts'

export const defaultRetry: Retry = { attemptsMax: 8, pauseMs: 200, pauseMsMax: 30_000 }

/** @throws TypeError when it is not what `defineEvent` makes */
export function checkedEvent<Payload>(what: string, on: EventType<Payload>): AnyEventType {
  const event = Object(on) as Partial<AnyEventType>
  if (typeof event.name !== 'string' || typeof event.schema !== 'object')
    throw new TypeError(`${what}: on must be an event: defineEvent('OrderPlaced', …)`)
  return on
}

export const checkCallback = checkSynchronous

/** A call waits for things: it may be async. */
export const checkCall = checkFunction

/** @throws TypeError when a number is none that can be kept */
export function checkedRetry(what: string, retry: Partial<Retry> = {}): Retry {
  const settings = { ...defaultRetry, ...retry }
  for (const [name, value] of Object.entries(settings))
    if (!(Number.isSafeInteger(value) && value >= (name === 'attemptsMax' ? 1 : 0)))
      throw new TypeError(`${what}: retry.${name} must be a whole number, not ${String(value)}`)
  return settings
}

/** @throws TypeError when it is no whole number of ms above 0 */
export function checkMs(what: string, ms: unknown): void {
  if (!(Number.isSafeInteger(ms) && (ms as number) > 0))
    throw new TypeError(`${what} must be a whole number of ms above 0`)
}

/**
 * The command as it is sent.
 * @throws TypeError when it is none that can be sent
 */
export function commandAct(
  what: string,
  { space, command }: { readonly space?: string | undefined; readonly command: AnyCommand },
  input: CommandAct['input'],
): CommandAct {
  if (typeof command?.name !== 'string' || typeof command.input !== 'object')
    throw new TypeError(`${what}: command must be a command: defineCommand(…)`)
  if (command.parts)
    throw new TypeError(
      `${what}: ${command.name} consists of parts: a command with a handler can be sent, or a process with a step for each part`,
    )
  if (command.partOnly)
    throw new TypeError(`${what}: ${command.name} is only a part of other commands`)
  if (space !== undefined && typeof space !== 'string')
    throw new TypeError(`${what}: space must be the name of a space`)
  return { kind: 'command', space, command, input }
}
