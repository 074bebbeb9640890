import { rememberDeclaration } from './application-fault.ts'
import type { InputOf } from './call-types.ts'
import type { Value } from './data-types.ts'
import type { AnyCommand } from './definition.ts'
import { checkDescription, checkName } from './definition-checks.ts'
import type { EventType } from './event-type.ts'
import type { About, CommandAct, Failure, Process, Retry, StepContext } from './process.ts'
import { checkCallback, checkedEvent, checkedRetry, commandAct } from './process-checks.ts'

/** What is the same of reactions and processes. */
export interface ReactingOptions<Payload> {
  readonly on: EventType<Payload>
  readonly description?: string
  /**
   * Those with the same key are done one after the other, in the order of the log. Left out: each
   * by itself, several at the same time. Pure.
   */
  readonly key?: (event: NoInfer<Payload>) => string
  /** How often what fails is tried. */
  readonly retry?: Partial<Retry>
  /** What those behind a dead letter with the same key do. Default `goOn`. */
  readonly behindDead?: 'goOn' | 'wait'
}

/** Why a command has been refused. */
export interface Refusal {
  readonly reason: string
  readonly details: Value
}

/** What is done when the command of a reaction is refused. */
export interface OnRejected<Payload, Of extends AnyCommand> {
  /** Name of its space. Default: the one that declares the reaction. */
  readonly space?: string
  readonly command: Of
  /** Pure. */
  readonly input: (event: NoInfer<Payload>, refusal: Refusal, about: About) => NoInfer<InputOf<Of>>
}

export interface ReactionOptions<
  Payload,
  Of extends AnyCommand,
  Rejected extends AnyCommand = AnyCommand,
> extends ReactingOptions<Payload> {
  /** Name of the command's space. Default: the one that declares the reaction. */
  readonly space?: string
  /** Has a handler of its own, no parts. */
  readonly command: Of
  /** Makes the command's input of what the event tells. Pure: it may be asked several times. */
  readonly input: (event: NoInfer<Payload>, about: About) => NoInfer<InputOf<Of>>
  /** What follows when the command is refused. Default: it becomes a dead letter. */
  readonly onRejected?: OnRejected<Payload, Rejected>
}

/**
 * Declares a reaction: for each event of one kind a command of this or another space, exactly once
 * in effect. What cannot be done becomes a dead letter (`npx spacegrid reactions`).
 * @throws TypeError when the name, a callback, a command or a setting cannot be kept
 */
export function defineReaction<
  const Name extends string,
  Payload,
  Of extends AnyCommand,
  Rejected extends AnyCommand = AnyCommand,
>(name: Name, options: ReactionOptions<Payload, Of, Rejected>): Process<Name> {
  checkName('reaction', name)
  const what = `reaction ${name}`
  const { on, description, key, retry, behindDead = 'goOn', input, onRejected } = options
  checkDescription(what, description)
  if (key !== undefined) checkCallback(`${what}: key`, key)
  checkCallback(`${what}: input`, input)
  const act = commandAct(what, options, ({ event }, about) => input(event as Payload, about))
  return rememberDeclaration({
    kind: 'reaction' as const,
    name,
    description,
    on: checkedEvent(what, on),
    key,
    steps: [{ name, act, undo: undefined, timeoutMs: undefined }],
    undo: onRejected && rejectedAct(`${what}: onRejected`, onRejected),
    retry: checkedRetry(what, retry),
    behindDead,
  })
}

function rejectedAct<Payload>(what: string, options: OnRejected<Payload, AnyCommand>): CommandAct {
  checkCallback(`${what}: input`, options.input)
  return commandAct(what, options, ({ event, failure }: StepContext, about) => {
    const { reason, details } = failure as Failure
    return options.input(event as Payload, { reason, details }, about)
  })
}
