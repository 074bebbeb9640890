import {
  type CommandContext,
  noContext,
  ownInput,
  type QueryContext,
  queryContext,
} from './access.ts'
import { ReturnFault } from './application-fault.ts'
import type { Compatibility } from './compatibility.ts'
import { DataFault, type KnownData, tellData } from './data.ts'
import type { AnyCommand, AnyQuery, Reader, Scattered } from './definition.ts'
import type { Resolved } from './operation-options.ts'
import type { SplitData } from './outcomes.ts'
import { partsOf, unpackParts } from './parts.ts'
import type { Recorder } from './recorder.ts'
import { noSlots } from './steps.ts'
import { fitProblem, refuseTooLarge } from './validation.ts'

/**
 * What a handler leaves beside its transaction: its data as it is kept, and where in it outcomes
 * belong.
 */
export type HandlerData = SplitData

/**
 * Runs a command's handler. What it returns is taken as data that every replica keeps alike, and
 * where nothing is left to be filled in it is checked against the declared result: before anything
 * is sent.
 * @throws whatever the handler throws; ReturnFault; GridError `transaction_too_large` for data with
 * too much text
 */
export function runHandler(
  command: AnyCommand,
  recorder: Recorder,
  input: unknown,
  version?: Compatibility,
  context: CommandContext = noContext,
): HandlerData {
  try {
    const returned: unknown = command.handler(recorder, input, context)
    refusePromise(returned)
    const taken = slotsOf(command, recorder, returned)
    if (command.answer || command.parts || taken.slots !== noSlots) return taken
    const result = fittingResult(command, taken.data, version)
    return result === taken.data ? taken : { data: result, slots: noSlots }
  } finally {
    recorder.close()
  }
}

/** What a command's data brings travels with its transaction. */
function slotsOf({ name }: AnyCommand, recorder: Recorder, returned: unknown): HandlerData {
  try {
    return recorder.slots(returned)
  } catch (error) {
    refuseTooLarge(error, `command ${name}: what it returned`)
    throw untaken(error, returned)
  }
}

/**
 * Makes the caller's result of a command's data, all outcomes filled in; a promise of it, if that
 * is what the answer returns.
 * @param version what makes the answers of this version of what other versions have written
 * @param checked the data is the result, and has been checked when the handler returned it (or an
 * earlier version has answered it)
 * @param input of the command: it says what its parts are, if it consists of parts
 * @throws whatever the answer throws; ReturnFault
 */
export function answerOf(
  command: AnyCommand,
  data: unknown,
  checked: boolean,
  version?: Compatibility,
  input?: unknown,
): unknown {
  const { answer } = command
  if (command.parts) return answerOfParts(command, input, unpackParts(data), version)
  if (!answer) return (checked ? data : fittingResult(command, data, version)) ?? null
  return resultOf(command, answer(data as Resolved<unknown>), undefined, version)
}

function answerOfParts(
  command: AnyCommand,
  input: unknown,
  data: readonly unknown[],
  version: Compatibility | undefined,
): unknown {
  const results = partsOf(command, input).map((part, at) =>
    answerOf(part.command, data[at], false, version),
  )
  return results.some(isThenable)
    ? Promise.all(results).then((all) => answerWith(command, all, version))
    : answerWith(command, results, version)
}

const answerWith = (
  command: AnyCommand,
  results: readonly unknown[],
  version: Compatibility | undefined,
): unknown =>
  resultOf(command, command.answer ? command.answer(results) : results, undefined, version)

/**
 * Runs a query. A reader that knows what it has handed out saves looking through that again. Gives
 * a promise of its result, if that is what the handler returns: what it has read by then is one
 * state, and later it reads nothing.
 * @throws whatever the handler throws; ReturnFault
 */
export function runQuery(
  query: AnyQuery,
  reader: Reader & Partial<KnownData>,
  input: unknown,
  version?: Compatibility,
): unknown {
  const returned: unknown = query.handler(
    reader,
    ownInput(query, input) as never,
    queryContext(query, input),
  )
  const fitting = reader.fitting?.(returned, query.result)
  if (fitting !== undefined) return fitting
  const known = reader.has ? (reader as KnownData) : undefined
  return resultOf(query, returned, known, version)
}

/**
 * Runs a query on one of several partitions: what `mergedResult` makes an answer of, together with
 * what the other partitions give.
 * @throws whatever the handler throws; ReturnFault
 */
export function runQueryPart(query: AnyQuery, reader: Reader, input: unknown): unknown {
  const returned: unknown = query.everyPartition?.each(
    reader,
    ownInput(query, input) as never,
    queryContext(query, input),
  )
  return isThenable(returned)
    ? Promise.resolve(returned).then((one) => takeResult(one))
    : takeResult(returned)
}

/**
 * One answer of what a query has given in every partition.
 * @param results in the order of the partitions
 * @throws whatever the merge throws; ReturnFault
 */
export function mergedResult(
  query: AnyQuery,
  results: readonly unknown[],
  input: unknown,
  version?: Compatibility,
): unknown {
  const merge = query.everyPartition?.merge as Scattered<unknown>['merge']
  return resultOf(query, merge(results, ownInput(query, input)), undefined, version)
}

/** What a query that all partitions are asked does where there is only one. */
export const mergingOne =
  <Input>(
    each: (read: Reader, input: Input, context: QueryContext) => unknown,
    merge: (results: readonly never[], input: Input) => unknown,
  ) =>
  (read: Reader, input: Input, context: QueryContext): unknown => {
    const one = each(read, input, context)
    const merged = merge as (results: readonly unknown[], input: Input) => unknown
    return isThenable(one)
      ? Promise.resolve(one).then((it) => merged([it], input))
      : merged([one], input)
  }

/** Nobody but the caller waits for it, so a promise is as good. */
function resultOf(
  declared: AnyCommand | AnyQuery,
  returned: unknown,
  known?: KnownData,
  version?: Compatibility,
): unknown {
  if (isThenable(returned))
    return Promise.resolve(returned).then((value) => checkedResult(declared, value, known, version))
  return checkedResult(declared, returned, known, version)
}

function checkedResult(
  declared: AnyCommand | AnyQuery,
  returned: unknown,
  known: KnownData | undefined,
  version: Compatibility | undefined,
): unknown {
  return fittingResult(declared, takeResult(returned, known), version)
}

/** Whether somebody may want to wait for it. */
function isThenable(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return 'then' in value && typeof value.then === 'function'
}

/** @throws ReturnFault */
export function refusePromise(returned: unknown): void {
  if (isThenable(returned))
    throw new ReturnFault('', 'returned a promise; it must be synchronous', [returned])
}

/** It is written later, in slices perhaps, and by whoever likes: it must be what was looked at. */
function takeResult(returned: unknown, known?: KnownData): unknown {
  if (returned === undefined) return null
  try {
    return tellData(returned, known)
  } catch (error) {
    throw untaken(error, returned)
  }
}

/** What is thrown where something that was returned could not be taken as data. */
const untaken = (error: unknown, returned: unknown): unknown =>
  error instanceof DataFault
    ? new ReturnFault(error.path, `of what it returned ${error.problem}`, promisesIn(returned))
    : error

/**
 * The result as it is told: fields in it that only other versions of the application know are none
 * of its caller's.
 */
function fittingResult(
  { result: schema }: AnyCommand | AnyQuery,
  result: unknown,
  version: Compatibility | undefined,
): unknown {
  const problem = schema && fitProblem(schema, result ?? null)
  if (!problem) return result
  const own = version?.withoutForeignFields(schema, result)
  if (own !== undefined) return own
  throw new ReturnFault(
    problem.path,
    `of its result does not fit the declared schema: ${problem.message}`,
  )
}

const looksMax = 10_000

/** The promises in something that is no data; the search is bounded. */
export function promisesIn(data: unknown): readonly unknown[] {
  const promises: unknown[] = []
  const open: unknown[] = [data]
  const seen = new Set<unknown>()
  for (let looks = 0; open.length > 0 && looks < looksMax; looks++) {
    const next = open.pop()
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    try {
      if (isThenable(next)) promises.push(next)
      else if (!ArrayBuffer.isView(next)) open.push(...Object.values(next).slice(0, looksMax))
    } catch {
      // A member that throws when it is looked at: what is behind it is out of reach, for
      // everybody.
    }
  }
  return promises
}
