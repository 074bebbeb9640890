import { rememberDeclaration } from './application-fault.ts'
import type { InputOf, ResultOf } from './call-types.ts'
import type { ReactingOptions } from './define-reaction.ts'
import type { AnyCommand } from './definition.ts'
import { checkDescription, checkName } from './definition-checks.ts'
import type {
  About,
  Act,
  CallAbout,
  CommandAct,
  Failure,
  Process,
  ProcessStep,
  StepContext,
} from './process.ts'
import { eventUndo } from './process.ts'
import {
  checkCall,
  checkCallback,
  checkedEvent,
  checkedRetry,
  checkMs,
  commandAct,
} from './process-checks.ts'

/** What compensations are given besides: why. */
export type Failed = { readonly failure: Failure }

/** A command that a process sends. */
export interface SentBy<Context, Of extends AnyCommand> {
  /** Name of its space. Default: the one that declares the process. */
  readonly space?: string
  /** Has a handler of its own, no parts. */
  readonly command: Of
  /** Pure: it may be asked several times. */
  readonly input: (context: Context, about: About) => NoInfer<InputOf<Of>>
}

export interface CommandStepOptions<
  Context,
  Of extends AnyCommand,
  Undo extends AnyCommand = AnyCommand,
  Done = Context,
> extends SentBy<Context, Of> {
  /**
   * Longest time of the step, ms; then it has failed for certain: the command has not been done,
   * and will not be. Default: it is waited for.
   */
  readonly timeoutMs?: number
  /** Compensates it when a later step fails. */
  readonly undo?: SentBy<Done & Failed, Undo>
}

export interface CallStepOptions<Context, Result> {
  /**
   * Something outside: a payment, a mail. Done at least once: whoever is called does nothing twice
   * for one `about.id`. What it returns is kept. `throw new Rejection(reason)` is a final "no";
   * everything else that it throws is tried again.
   */
  readonly run: (context: Context, about: CallAbout) => Promise<Result> | Result
  /** Longest time of one attempt, ms. Default 10,000. */
  readonly attemptMs?: number
  /** Longest time of all attempts together, ms. Default: as many as `retry` says. */
  readonly timeoutMs?: number
  /**
   * Compensates it when a later step fails, and when it fails itself in a way that leaves open what
   * it has done: then its own result is not there.
   */
  readonly undo?: (
    context: Context & Failed & { readonly result: Result | undefined },
    about: CallAbout,
  ) => unknown
}

/** A step has a name of its own. */
type NewName<Name extends string, Context> = Name extends keyof Context | 'failure' | 'result'
  ? never
  : Name

/** The steps of a process so far: what each is given grows with those before it. */
export interface Steps<Context> {
  /** A command of this or another space, exactly once in effect. */
  command<const Name extends string, Of extends AnyCommand, Undo extends AnyCommand = AnyCommand>(
    name: NewName<Name, Context>,
    options: CommandStepOptions<
      Context,
      Of,
      Undo,
      Context & { readonly [Step in Name]: ResultOf<Of> }
    >,
  ): Steps<Context & { readonly [Step in Name]: ResultOf<Of> }>
  /** A call of something outside, at least once under one id. */
  call<const Name extends string, Result>(
    name: NewName<Name, Context>,
    options: CallStepOptions<Context, Result>,
  ): Steps<Context & { readonly [Step in Name]: Result }>
}

export interface ProcessOptions<Payload, Undo extends AnyCommand = AnyCommand>
  extends ReactingOptions<Payload> {
  /** `(process) => process.call('payment', …).command('ticket', …)` */
  readonly steps: (begin: Steps<{ readonly event: Payload }>) => Steps<never>
  /** Compensates what the event told of, behind the compensations of all steps. */
  readonly undo?: SentBy<{ readonly event: Payload } & Failed, Undo>
}

const stepsMax = 32
const attemptMsDefault = 10_000

/**
 * Declares a process: steps that follow an event one after the other, each a command or a call.
 * When one fails for good, those that are done are compensated, the last one first. Where it stands
 * is kept in the space, and survives what the space survives.
 * @throws TypeError when the name, a step, a callback, a command or a setting cannot be kept
 */
export function defineProcess<
  const Name extends string,
  Payload,
  Undo extends AnyCommand = AnyCommand,
>(name: Name, options: ProcessOptions<Payload, Undo>): Process<Name> {
  checkName('process', name)
  const what = `process ${name}`
  const { on, description, key, retry, behindDead = 'goOn', undo } = options
  checkDescription(what, description)
  if (key !== undefined) checkCallback(`${what}: key`, key)
  checkCallback(`${what}: steps`, options.steps)
  const list = new StepList(what)
  options.steps(list as unknown as Steps<{ readonly event: Payload }>)
  const { steps } = list
  if (steps.length === 0) throw new TypeError(`${what} has no steps`)
  if (steps.length > stepsMax) throw new TypeError(`${what} has more than ${stepsMax} steps`)
  return rememberDeclaration({
    kind: 'process' as const,
    name,
    description,
    on: checkedEvent(what, on),
    key,
    steps,
    undo: undo && sent(`${what}: undo`, undo as SentBy<never, AnyCommand>),
    retry: checkedRetry(what, retry),
    behindDead,
  })
}

function sent(what: string, options: SentBy<never, AnyCommand>): CommandAct {
  checkCallback(`${what}: input`, options.input)
  return commandAct(what, options, options.input as CommandAct['input'])
}

class StepList {
  readonly steps: ProcessStep[] = []
  readonly #what: string

  constructor(what: string) {
    this.#what = what
  }

  command(name: string, options: CommandStepOptions<never, AnyCommand>): this {
    const what = this.#named(name)
    const { undo, timeoutMs } = options
    return this.#add(
      what,
      name,
      sent(what, options),
      timeoutMs,
      undo && sent(`${what}: undo`, undo),
    )
  }

  call(name: string, options: CallStepOptions<never, unknown>): this {
    const what = this.#named(name)
    const { run, undo, timeoutMs, attemptMs = attemptMsDefault } = options
    checkCall(`${what}: run`, run)
    if (undo !== undefined) checkCall(`${what}: undo`, undo)
    checkMs(`${what}: attemptMs`, attemptMs)
    const call = (act: unknown): Act => ({
      kind: 'call',
      run: act as (context: StepContext, about: CallAbout) => unknown,
      attemptMs,
    })
    return this.#add(what, name, call(run), timeoutMs, undo && call(undo))
  }

  #add(
    what: string,
    name: string,
    act: Act,
    timeoutMs: number | undefined,
    undo: Act | undefined,
  ): this {
    if (timeoutMs !== undefined) checkMs(`${what}: timeoutMs`, timeoutMs)
    this.steps.push({ name, act, undo, timeoutMs })
    return this
  }

  #named(name: string): string {
    checkName(`${this.#what}: step`, name)
    if ([eventUndo, 'failure', 'result'].includes(name))
      throw new TypeError(`${this.#what}: no step can be called ${name}`)
    if (this.steps.some((step) => step.name === name))
      throw new TypeError(`${this.#what}: step ${name} is declared twice`)
    return `${this.#what}: step ${name}`
  }
}
