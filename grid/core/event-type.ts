import type { TObject } from 'typebox'
import type { Value } from './data-types.ts'

/** A kind of domain event, with the shape of its payload. Made by `defineEvent`. */
export interface EventType<Payload = Value, Name extends string = string> {
  readonly name: Name
  readonly schema: TObject
  readonly [told]?: Payload
}

/** Nothing has it. To the compiler it says what the event tells. */
declare const told: unique symbol

// biome-ignore lint/suspicious/noExplicitAny: the only common supertype of events of all payloads
export type AnyEventType = EventType<any>
