import { type CommandContext, noContext } from './access.ts'
import type { Value } from './data-types.ts'
import type { AnyCommand, CommandPart, Space } from './definition.ts'
import { GridError, Rejection } from './errors.ts'
import { hasOutcomes, PendingOutcome } from './outcomes.ts'
import type { Transaction } from './transaction.ts'
import { fitProblem } from './validation.ts'

/** What of a recorder a command that consists of parts needs to know. */
export interface PartTransaction extends Transaction {
  /** What follows is this command's, with this input. */
  enterPart?(command: AnyCommand, input: unknown): void
  readonly partBegins?: readonly number[] | undefined
}

/**
 * The parts of a command, for this input.
 * @throws TypeError for what can be no part; whatever the application's function throws
 */
export function partsOf(command: AnyCommand, input: unknown): readonly CommandPart[] {
  const parts: unknown = command.parts?.(input)
  if (!Array.isArray(parts) || parts.length === 0)
    throw new TypeError('parts must return a list of parts: { command, input }')
  if (parts.length > partsMax)
    throw new TypeError(`parts has returned ${parts.length} parts, more than ${partsMax}`)
  return parts.map(takenPart)
}

/** So many parts may a command have: each is a message, and all of them wait for the slowest. */
export const partsMax = 64

function takenPart(part: unknown, at: number): CommandPart {
  const { command, input } = Object(part) as Partial<CommandPart>
  const what = `part ${at + 1}`
  if (typeof command?.handler !== 'function')
    throw new TypeError(`${what} has no command: { command, input }`)
  const { name } = command
  if (command.parts) throw new TypeError(`${what}, ${name}, consists of parts itself`)
  const problem = fitProblem(command.input, input)
  if (!problem) return { command, input }
  const { path, message } = problem
  throw new TypeError(`the input of ${what}, ${name}: ${path === '' ? '' : `${path} `}${message}`)
}

/** The commands that callers may give: the others are only there to be parts of them. */
export const calledCommands = <Of extends AnyCommand>({
  commands,
}: {
  readonly commands: ReadonlyMap<string, Of>
}): readonly Of[] => [...commands.values()].filter(({ partOnly }) => !partOnly)

/** @throws TypeError when a part is none of the space's commands */
export function checkPartsOfSpace({ name, commands }: Space, parts: readonly CommandPart[]): void {
  for (const { command } of parts)
    if (!commands.has(command.name))
      throw new TypeError(
        `the part ${command.name} is outside space ${name}: add it to the space's commands`,
      )
}

/** Which part refuses, and why. */
export interface RefusedPart {
  /** Its place among the parts, from 0. */
  readonly part: number
  readonly command: string
  readonly reason: string
  readonly details: Value
}

/** What callers are told: the reason of the first part that refuses, and of each of them. */
export const refusalOfParts = (parts: readonly RefusedPart[]): Rejection =>
  new Rejection(parts[0]?.reason ?? '', { parts })

/**
 * What a command that consists of parts does where all of them are in one log: it is one
 * transaction.
 */
export const runParts =
  (composed: () => AnyCommand) =>
  (tx: PartTransaction, input: unknown, context: CommandContext): unknown => {
    const parts = partsOf(composed(), input)
    return runEachPart(tx, parts, context, (run, part) => refusing(parts, part, tx, run))
  }

/**
 * One after the other, in one transaction; what they return, packed.
 * @param around each: says what a refusal comes to
 */
export const runEachPart = (
  tx: PartTransaction,
  parts: readonly CommandPart[],
  context: CommandContext = noContext,
  around: (run: () => unknown, part: number) => unknown = (run) => run(),
): unknown =>
  packParts(
    parts.map(({ command, input }, part) => {
      tx.enterPart?.(command, input)
      const returned = around(() => command.handler(tx, input, context), part)
      if (
        Object(returned) === returned &&
        typeof (returned as PromiseLike<unknown>).then === 'function'
      )
        throw new TypeError(`the part ${command.name} returned a promise; it must be synchronous`)
      return returned
    }),
  )

/** A part that reads what one before it has done may be where that one's operation is refused. */
function refusing<T>(
  parts: readonly CommandPart[],
  running: number,
  { partBegins = [] }: PartTransaction,
  run: () => T,
): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    const { reason, details, step } = error
    const part = step === undefined ? running : partOfStep(partBegins, step)
    throw refusalOfParts([{ part, command: parts[part]?.command.name ?? '', reason, details }])
  }
}

/** The part that a step belongs to. */
export const partOfStep = (begins: readonly number[], step: number): number =>
  Math.max(
    0,
    begins.findLastIndex((begin) => begin <= step),
  )

// What the parts have left behind is data of one command: outcomes stand at its top level, where
// the log fills them in, and it can be remembered under an idempotency key like any other.

/** @param data of the parts' handlers, in their order; with outcomes in it, or filled in */
export function packParts(data: readonly unknown[]): Readonly<Record<string, unknown>> {
  const packed: Record<string, unknown> = { parts: data.length }
  for (const [at, one] of data.entries()) {
    if (!isObject(one) || !hasOutcomes(one)) {
      if (one !== undefined) packed[`${at}`] = one
      continue
    }
    const rest: Record<string, unknown> | unknown[] = Array.isArray(one) ? [] : {}
    for (const [name, field] of Object.entries(one)) {
      const isOutcome = field instanceof PendingOutcome
      if (isOutcome) packed[`${at}.${name}`] = field
      define(rest, name, isOutcome ? null : field)
    }
    packed[`${at}`] = rest
  }
  return packed
}

/**
 * What the parts have left behind, outcomes filled in. @throws GridError `record_damaged`: the log,
 * in which it stands, may hold what no command has left behind
 */
export function unpackParts(packed: unknown): readonly unknown[] {
  const { parts: count, ...fields } = packed as Readonly<Record<string, unknown>>
  if (!Number.isInteger(count) || (count as number) < 0 || (count as number) > partsMax)
    throw new GridError('record_damaged', `No command has ${count} parts`)
  const data = Array.from({ length: count as number }, (_, at) => fields[`${at}`])
  for (const [place, field] of Object.entries(fields)) {
    const dot = place.indexOf('.')
    if (dot < 0) continue
    const at = Number(place.slice(0, dot))
    const rest = data[at]
    const copy = Array.isArray(rest) ? [...rest] : { ...(rest as object) }
    define(copy, place.slice(dot + 1), field)
    data[at] = copy
  }
  return data
}

const isObject = (data: unknown): data is object => typeof data === 'object' && data !== null

const define = (on: object, name: string, value: unknown): void => {
  Object.defineProperty(on, name, { value, enumerable: true, configurable: true, writable: true })
}
