import type { TObject } from 'typebox'
import type { Value } from './data-types.ts'
import type { AnyEventType } from './event-type.ts'

/** What is known of the event that something follows from. */
export interface About {
  /**
   * Names the step, and stays the same however often it is tried: for services that do nothing
   * twice under one id. A compensation has the id of the step that it compensates. At most 100
   * characters of [0-9A-Za-z:].
   */
  readonly id: string
  /** When the event was emitted, ms since the epoch. */
  readonly at: number
}

/** What a call is given besides. */
export interface CallAbout extends About {
  /** Aborted when the time of this attempt is up: what comes then is not waited for. */
  readonly signal: AbortSignal
}

/** Why a process is being undone. */
export interface Failure {
  /** The step that has failed. */
  readonly step: string
  /** Of the rejection; `timed_out`, `call_failed` where there is none. */
  readonly reason: string
  readonly details: Value
}

/** What callbacks are given: the event, and what each step so far has resulted in. */
export type StepContext = Readonly<Record<string, unknown>>

/** A command as far as whoever sends it needs to know it. */
export interface SentCommand {
  readonly name: string
  readonly input: TObject
}

/** A command of this or another space. */
export interface CommandAct {
  readonly kind: 'command'
  /** Name of its space; undefined: the one that declares it. */
  readonly space: string | undefined
  readonly command: SentCommand
  readonly input: (context: StepContext, about: About) => unknown
}

/** A call of something outside. */
export interface CallAct {
  readonly kind: 'call'
  readonly run: (context: StepContext, about: CallAbout) => unknown
  /** Longest time of one attempt. */
  readonly attemptMs: number
}

export type Act = CommandAct | CallAct

export interface ProcessStep {
  readonly name: string
  readonly act: Act
  /** Compensates it; undefined: there is nothing to compensate. */
  readonly undo: Act | undefined
  /** Longest time of the whole step, all attempts together. Default: none. */
  readonly timeoutMs: number | undefined
}

/** How often and how quickly something is tried. */
export interface Retry {
  /** Attempts that fail before it is given up. Default 8. */
  readonly attemptsMax: number
  /** Pause behind the first one; doubled each time. Default 200. */
  readonly pauseMs: number
  /** Longest pause. Default 30,000. */
  readonly pauseMsMax: number
}

/**
 * What follows from a domain event: steps, one after the other. A reaction is a process of one
 * step. Made by `defineReaction` and `defineProcess`.
 */
export interface Process<Name extends string = string> {
  readonly kind: 'reaction' | 'process'
  readonly name: Name
  readonly description: string | undefined
  readonly on: AnyEventType
  /** Those with the same key are done one after the other, in the order of the log. */
  readonly key: ((event: never) => unknown) | undefined
  readonly steps: readonly ProcessStep[]
  /** Compensates what the event told of, behind all others. */
  readonly undo: Act | undefined
  readonly retry: Retry
  /** What those behind a dead letter with the same key do. */
  readonly behindDead: 'goOn' | 'wait'
}

/** In the place of a step's name: what compensates what the event told of. */
export const eventUndo = 'event'

/** Every command that reactions may send, and which one sends it. */
export function* commandsSent(
  reactions: Iterable<Process>,
): Generator<{ kind: Process['kind']; name: string; command: CommandAct }> {
  for (const { kind, name, steps, undo } of reactions)
    for (const act of [...steps.flatMap((step) => [step.act, step.undo]), undo])
      if (act?.kind === 'command') yield { kind, name, command: act }
}
