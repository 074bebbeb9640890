import type { TObject } from 'typebox'
import { rememberDeclaration } from './application-fault.ts'
import type { Static } from './data-types.ts'
import { takenObject } from './definition-checks.ts'
import type { AnyEventType, EventType } from './event-type.ts'
import { checkFits } from './validation.ts'

/** Events are in the past tense and written like a type: `OrderPlaced`. */
const eventNamePattern = /^[A-Za-z][A-Za-z0-9]{0,63}$/

/**
 * Declares a domain event. `tx.emit(event, payload)` is then checked against its schema, by the
 * compiler and when it runs; reactions and processes follow it.
 * @throws TypeError when the name or the schema cannot be kept
 */
export function defineEvent<const Name extends string, S extends TObject>(
  name: Name,
  payload: S,
): EventType<Static<S>, Name> {
  if (typeof name !== 'string' || !eventNamePattern.test(name))
    throw new TypeError(`event name ${JSON.stringify(name)} must match ${eventNamePattern}`)
  return rememberDeclaration({ name, schema: takenObject(`event ${name}: the payload`, payload) })
}

/**
 * The name of what a handler emits, by its name alone or by its definition.
 * @throws GridError `invalid_input` when the payload is not what the event is declared to tell
 */
export function emittedName(event: AnyEventType | string, payload: unknown): string {
  if (typeof event !== 'object' || event === null) return event
  checkFits(event.schema, payload, `event ${event.name}`)
  return event.name
}
