import type { IndexRange, Value } from '../../core/data-types.ts'
import { GridError } from '../../core/errors.ts'
import { freezeDeeply } from '../../core/freeze.ts'
import {
  type AppendStep,
  type DecideStep,
  type DomainEvent,
  type FinishStep,
  type ForgetStep,
  type HoldTerms,
  type IncrementStep,
  isAcross,
  type KeyRead,
  type RangeRead,
  type RememberStep,
  type Step,
  StepKind,
  type TakeStep,
  type TransactionRecord,
} from '../../core/steps.ts'
import { ShapeReader, ShapeWriter } from './value-shapes.ts'

/** Steps or reads written or read before whoever runs it may do something else. */
const pieceMax = 256

/** A `StepKind.remember` with a hash behind it: there is none in spaces with one partition. */
const rememberInPartition = 9

const noRanges: readonly RangeRead[] = []
const noEvents: readonly DomainEvent[] = []

/**
 * Appends transactions to a message as one flat list: no array and no field name for each of them,
 * which is what makes encoding and decoding cheap. What a list's items mean follows from those
 * before them. `across`: as they are written where some are of commands across partitions.
 */
export function writeTransactions(
  to: unknown[],
  transactions: readonly TransactionRecord[],
  across = false,
): unknown[] {
  const shapes = new ShapeWriter()
  to.push(shapes.names, transactions.length)
  for (const transaction of transactions) writeTransaction(to, transaction, shapes, across)
  return to
}

/** The same of one transaction, as a list of its own, a piece at a time. */
export function* writeTransactionInPieces(
  transaction: TransactionRecord,
): Generator<void, unknown[]> {
  const shapes = new ShapeWriter()
  const { number, steps } = transaction
  const to: unknown[] = [shapes.names, 1, number, steps.length]
  for (const [at, step] of steps.entries()) {
    writeStep(to, step, shapes)
    if (at % pieceMax === 0) yield
  }
  writeRest(to, transaction, shapes)
  if (isAcross(transaction)) writeTerms(to, transaction.hold)
  return to
}

function writeTransaction(
  to: unknown[],
  transaction: TransactionRecord,
  shapes: ShapeWriter,
  across: boolean,
): void {
  const { number, steps } = transaction
  to.push(number, steps.length)
  for (const step of steps) writeStep(to, step, shapes)
  writeRest(to, transaction, shapes)
  if (across) writeTerms(to, transaction.hold)
}

function writeTerms(to: unknown[], hold: HoldTerms | undefined): void {
  to.push(hold !== undefined)
  if (!hold) return
  const { attempt, partition, coordinator, participants, notAfter, key } = hold
  to.push(attempt, partition, coordinator, participants, notAfter, key)
}

/**
 * The command's name is a number of the message's names, in places where earlier versions wrote,
 * and read, something else of the same meaning to them: instead of `false` where nothing follows,
 * and below zero instead of no time before which it must not apply.
 */
function writeRest(
  to: unknown[],
  { reads, ranges, steps, events, notBefore, command }: TransactionRecord,
  shapes: ShapeWriter,
): void {
  to.push(reads.length)
  for (const { cache, key, version } of reads) {
    const step = stepWithKey(steps, key)
    to.push(cache, step < 0 ? key : step, version)
  }
  // Most transactions have none of these.
  const more = ranges.length > 0 || events.length > 0 || notBefore > 0
  const name = command === undefined ? undefined : shapes.numberOfName(command)
  to.push(more || (name ?? false))
  if (!more) return
  to.push(ranges.length)
  for (const { cache, index, range, digest } of ranges) to.push(cache, index, range, digest)
  to.push(events.length)
  for (const { name, payload } of events) to.push(name, payload)
  to.push(name === undefined || notBefore > 0 ? notBefore : -1 - name)
}

/**
 * Most of what is read is written too: the key is there already. Only looked for among the first
 * few steps.
 */
function stepWithKey(steps: readonly Step[], key: string): number {
  for (let i = 0; i < steps.length && i < 8; i++) {
    const step = steps[i] as Step
    if ('key' in step && step.key === key) return i
  }
  return -1
}

function writeStep(to: unknown[], step: Step, shapes: ShapeWriter): void {
  switch (step.kind) {
    case StepKind.put:
      to.push(step.kind, step.cache)
      shapes.writeEntry(to, step.cache, step.key, step.value)
      return
    case StepKind.delete:
    case StepKind.archive:
      to.push(step.kind, step.cache, step.key)
      return
    case StepKind.increment: {
      const { kind, cache, key, field, by, min, max, otherwise, expected, initial } = step
      to.push(kind, cache, key, field, by, min, max, otherwise, expected)
      writeMaybe(to, cache, initial, shapes)
      return
    }
    case StepKind.append: {
      const { kind, cache, key, field, items, max, otherwise, expected, initial } = step
      to.push(kind, cache, key, field, items, max, otherwise, expected)
      writeMaybe(to, cache, initial, shapes)
      return
    }
    case StepKind.take: {
      const { kind, cache, index, range, limit, atLeast, patch, otherwise, expected } = step
      to.push(kind, cache, index, range, limit, atLeast, patch, otherwise, expected)
      return
    }
    case StepKind.remember: {
      const { kind, key, command, input, data, slots, expiresAt, hash } = step
      to.push(hash === undefined ? kind : rememberInPartition, key, command, input, data, slots)
      to.push(expiresAt)
      if (hash !== undefined) to.push(hash)
      return
    }
    case StepKind.decide: {
      const { kind, attempt, verdict, asked, notAfter, remember } = step
      to.push(kind, attempt, verdict, asked, notAfter, remember !== undefined)
      if (remember) writeStep(to, remember, shapes)
      return
    }
    case StepKind.finish:
      to.push(step.kind, step.attempt, step.verdict)
      return
    case StepKind.forget:
      to.push(step.kind, step.attempt)
  }
}

function writeMaybe(
  to: unknown[],
  cache: number,
  value: Value | undefined,
  shapes: ShapeWriter,
): void {
  to.push(value !== undefined)
  if (value) shapes.write(to, cache, value)
}

/**
 * Reads what `writeTransactions` wrote, from the given item to the end of the message.
 * @throws GridError `record_damaged`
 */
export function readTransactions(
  from: readonly unknown[],
  at: number,
  across: boolean,
): TransactionRecord[] {
  const reader = new TransactionReader(from, at, across)
  const count = reader.count()
  const transactions: TransactionRecord[] = []
  for (let i = 0; i < count; i++) transactions.push(reader.transaction())
  reader.end()
  return transactions
}

/** The same, a piece at a time. */
export function* readTransactionsInPieces(
  from: readonly unknown[],
): Generator<void, TransactionRecord[]> {
  const reader = new TransactionReader(from, 0, false)
  const count = reader.count()
  const transactions: TransactionRecord[] = []
  for (let i = 0; i < count; i++) transactions.push(yield* reader.transactionInPieces())
  reader.end()
  return transactions
}

/**
 * Where reading stands. Its casts are the codec's edge: messages are written by the functions above
 * and by nobody else.
 */
class TransactionReader {
  readonly #from: readonly unknown[]
  #at: number
  readonly #shapes: ShapeReader
  readonly #across: boolean
  /** Of the transaction that is being read. */
  #steps: readonly Step[] = []

  constructor(from: readonly unknown[], at: number, across: boolean) {
    this.#from = from
    this.#at = at
    this.#across = across
    this.#shapes = new ShapeReader(this.#next())
  }

  /** A number of things to come, each at least one item. */
  count(): number {
    const count = this.#next()
    if (!Number.isSafeInteger(count) || (count as number) < 0) throw unreadable()
    if ((count as number) > this.#from.length - this.#at) throw unreadable()
    return count as number
  }

  end(): void {
    if (this.#at !== this.#from.length) throw unreadable()
  }

  transaction(): TransactionRecord {
    const number = this.#number()
    const steps = this.#list(TransactionReader.#readStep)
    this.#steps = steps
    const transaction = this.#withRest(number, steps, this.#list(TransactionReader.#readKey))
    return this.#across && this.#next() === true
      ? { ...transaction, hold: this.#terms() }
      : transaction
  }

  #terms(): HoldTerms {
    return {
      attempt: this.#next() as string,
      partition: this.#next() as number,
      coordinator: this.#next() as number,
      participants: this.#frozen() as readonly number[],
      notAfter: this.#next() as number,
      key: (this.#next() ?? undefined) as string | undefined,
    }
  }

  *transactionInPieces(): Generator<void, TransactionRecord> {
    const number = this.#number()
    const steps = yield* this.#listInPieces(TransactionReader.#readStep)
    this.#steps = steps
    const reads = yield* this.#listInPieces(TransactionReader.#readKey)
    return this.#withRest(number, steps, reads)
  }

  #number(): number {
    const number = this.#next() as number
    if (!Number.isSafeInteger(number)) throw unreadable()
    return number
  }

  #withRest(number: number, steps: readonly Step[], reads: readonly KeyRead[]): TransactionRecord {
    const more = this.#next()
    let command = this.#shapes.name(more)
    if (more !== true)
      return { number, reads, steps, ranges: noRanges, events: noEvents, notBefore: 0, command }
    const ranges = this.#list(TransactionReader.#readRange)
    const events = this.#list(TransactionReader.#readEvent)
    let notBefore = this.#next() as number
    if (notBefore < 0) {
      command = this.#shapes.name(-1 - notBefore)
      notBefore = 0
    }
    return { number, reads, steps, ranges, events, notBefore, command }
  }

  *#listInPieces<T>(read: (reader: TransactionReader) => T): Generator<void, T[]> {
    const count = this.count()
    const list: T[] = []
    for (let i = 0; i < count; i++) {
      list.push(read(this))
      if (i % pieceMax === 0) yield
    }
    return list
  }

  #list<T>(read: (reader: TransactionReader) => T): T[] {
    const count = this.count()
    if (count === 0) return []
    // Most lists have one item: a literal takes no more room than that.
    const list = [read(this)]
    for (let i = 1; i < count; i++) list.push(read(this))
    return list
  }

  static readonly #readKey = (reader: TransactionReader): KeyRead => reader.#read()
  static readonly #readRange = (reader: TransactionReader): RangeRead => reader.#range()
  static readonly #readStep = (reader: TransactionReader): Step => reader.#step()
  static readonly #readEvent = (reader: TransactionReader): DomainEvent => reader.#event()

  #next(): unknown {
    if (this.#at >= this.#from.length) throw unreadable()
    return this.#from[this.#at++]
  }

  /** What becomes part of an entry, or is handed to the application. */
  #frozen(): unknown {
    return freezeDeeply(this.#next())
  }

  #read(): KeyRead {
    const cache = this.#next() as number
    const key = this.#next() as string | number
    const version = this.#next() as number
    return { cache, key: typeof key === 'number' ? this.#keyOfStep(key) : key, version }
  }

  #keyOfStep(number: number): string {
    const step = this.#steps[number]
    if (!step || !('key' in step)) throw unreadable()
    return step.key
  }

  #range(): RangeRead {
    return {
      cache: this.#next() as number,
      index: this.#next() as number,
      range: this.#next() as IndexRange,
      digest: this.#next() as number,
    }
  }

  #event(): DomainEvent {
    return { name: this.#next() as string, payload: this.#frozen() as Value }
  }

  #value(): Value {
    const at = this.#at
    this.#at = this.#shapes.behind(this.#from, at)
    return this.#shapes.read(this.#from, at)
  }

  /** No other step may stand within one. */
  #remember(): Step {
    const kind = this.#from[this.#at]
    if (kind !== StepKind.remember && kind !== rememberInPartition) throw unreadable()
    return this.#step()
  }

  #followUp(kind: Step['kind']): Step {
    const attempt = this.#next() as string
    if (kind === StepKind.forget) return { kind, attempt } as ForgetStep
    const verdict = this.#next()
    if (kind === StepKind.finish) return { kind, attempt, verdict } as FinishStep
    if (kind !== StepKind.decide) throw unknownKind(kind)
    const asked = this.#next() === true
    const notAfter = this.#next()
    const remember = this.#next() === true ? this.#remember() : undefined
    return { kind, attempt, verdict, asked, notAfter, remember } as DecideStep
  }

  #maybeValue(): Value | undefined {
    return this.#next() === true ? this.#value() : undefined
  }

  #step(): Step {
    const kind = this.#next() as Step['kind'] | typeof rememberInPartition
    if (kind >= StepKind.decide && kind <= StepKind.forget && this.#across)
      return this.#followUp(kind as Step['kind'])
    switch (kind) {
      case StepKind.put: {
        const cache = this.#next() as number
        const key = this.#shapes.key(this.#from, this.#at++)
        return { kind, cache, key, value: this.#value() }
      }
      case StepKind.archive:
        // Only formats that have the others know of it.
        if (!this.#across) throw unknownKind(kind)
        return { kind, cache: this.#next() as number, key: this.#next() as string }
      case StepKind.delete:
        return { kind, cache: this.#next() as number, key: this.#next() as string }
      case StepKind.increment:
        return {
          kind,
          cache: this.#next() as number,
          key: this.#next() as string,
          field: this.#next() as string,
          by: this.#next() as number,
          min: this.#next(),
          max: this.#next(),
          otherwise: this.#next(),
          expected: this.#next(),
          initial: this.#maybeValue(),
        } as IncrementStep
      case StepKind.append:
        return {
          kind,
          cache: this.#next() as number,
          key: this.#next() as string,
          field: this.#next() as string,
          items: this.#frozen(),
          max: this.#next(),
          otherwise: this.#next(),
          expected: this.#next(),
          initial: this.#maybeValue(),
        } as AppendStep
      case StepKind.take:
        return {
          kind,
          cache: this.#next(),
          index: this.#next(),
          range: this.#next(),
          limit: this.#next(),
          atLeast: this.#next(),
          patch: this.#frozen(),
          otherwise: this.#next(),
          expected: this.#next(),
        } as TakeStep
      case StepKind.remember:
        return {
          kind,
          key: this.#next(),
          command: this.#next(),
          input: this.#next(),
          data: this.#frozen(),
          slots: this.#next(),
          expiresAt: this.#next(),
        } as RememberStep
      case rememberInPartition:
        return {
          kind: StepKind.remember,
          key: this.#next(),
          command: this.#next(),
          input: this.#next(),
          data: this.#frozen(),
          slots: this.#next(),
          expiresAt: this.#next(),
          hash: this.#next(),
        } as RememberStep
      default:
        throw unknownKind(kind)
    }
  }
}

const unknownKind = (kind: unknown) =>
  new GridError('record_damaged', `A frame has the unknown step kind ${kind}`)

const unreadable = () => new GridError('record_damaged', 'A frame has transactions cut short')
