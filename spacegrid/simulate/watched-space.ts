import type { CommandContext, QueryContext } from '@spacegrid/grid/core/access'
import { ApplicationFault, type Callback } from '@spacegrid/grid/core/application-fault'
import type { IndexRange } from '@spacegrid/grid/core/data-types'
import type { AnyCommand, AnyQuery, Reader, Space } from '@spacegrid/grid/core/definition'
import { GridError, Rejection } from '@spacegrid/grid/core/errors'
import type { Act, Process } from '@spacegrid/grid/core/process'
import type { AnyProjection } from '@spacegrid/grid/core/projection/projection'
import type { AnyCache, Transaction } from '@spacegrid/grid/core/transaction'
import type { FindingRule } from '../testing/simulation.ts'
import { type ImpureUse, watching } from './impure-globals.ts'
import { withFunctions } from './projection-functions.ts'
import type { RangeWatch } from './range-watch.ts'
import { Differs, jsonOf, shortened, Tape } from './tape.ts'

/** What watched handlers need of the run they are in. */
export interface Findings {
  find(rule: FindingRule, what: string): void
  now(): number
  random(): number
  readonly ranges: RangeWatch
}

/** So far ahead is the clock when a handler is run a second time. */
const laterMs = 3_600_000
/** Executions of a run that are repeated at its end. */
const keptMax = 400
const changesFrozen = /Cannot (?:assign to|add|delete|define|redefine)|read only|not extensible/

/**
 * The same space with handlers that are watched while they run, and run twice; what they do is
 * theirs.
 */
export class WatchedSpace {
  readonly #findings: Findings
  /** What is run once more at the end, when others have run meanwhile. */
  readonly #kept: (() => void)[] = []

  constructor(findings: Findings) {
    this.#findings = findings
  }

  of(space: Space): Space {
    return {
      ...space,
      caches: space.caches.map((cache) => this.#cache(cache)),
      commands: mapped(space.commands, (one) => this.#command(one)),
      queries: mapped(space.queries, (one) => this.#query(one)),
      projections: space.projections.map((one) => this.#projection(one)),
      ...(space.reactions
        ? { reactions: mapped(space.reactions, (one) => this.#reaction(one)) }
        : {}),
    }
  }

  /**
   * Runs handlers once more on what they were given then: whatever they keep outside of the grid
   * has changed meanwhile.
   */
  runLate(): void {
    // The other way round: nothing is as it was left for it.
    for (const run of this.#kept.toReversed()) run()
  }

  #keep(run: () => void): void {
    if (this.#kept.length < keptMax) this.#kept.push(run)
  }

  #command(command: AnyCommand): AnyCommand {
    const callback: Callback = { kind: 'command', name: command.name, declared: command }
    const { answer } = command
    const watched: AnyCommand = {
      ...command,
      handler: (tx: Transaction, input: unknown, context: CommandContext) =>
        this.#twice(callback, tx, (transaction) => command.handler(transaction, input, context)),
    }
    if (!answer) return watched
    const telling: Callback = { kind: 'answer', name: command.name, declared: command }
    return { ...watched, answer: (data) => this.#answerTwice(telling, () => answer(data)) }
  }

  #cache(cache: AnyCache): AnyCache {
    const { onExpire } = cache
    if (!onExpire) return cache
    const callback: Callback = { kind: 'expiry', name: cache.name, declared: cache }
    return {
      ...cache,
      onExpire: (tx: Transaction, value: unknown) =>
        this.#twice(callback, tx, (transaction) => onExpire(transaction, value)),
    }
  }

  #query(query: AnyQuery): AnyQuery {
    const callback: Callback = { kind: 'query', name: query.name, declared: query }
    return {
      ...query,
      handler: (read: Reader, input: unknown, context: QueryContext) => {
        const seen = this.#reader(callback, read)
        return this.#answerTwice(callback, () => query.handler(seen, input, context))
      },
    }
  }

  #projection(projection: AnyProjection): AnyProjection {
    const callback: Callback = {
      kind: 'projection',
      name: projection.name,
      declared: projection,
    }
    return withFunctions(
      projection,
      (run) =>
        (...given) =>
          this.#guarded(callback, this.#use(callback, 0), () => run(...given)),
    )
  }

  #reaction(process: Process): Process {
    const callback: Callback = { kind: 'reaction', name: process.name, declared: process }
    const pure =
      <Given extends unknown[]>(run: (...given: Given) => unknown) =>
      (...given: Given): unknown =>
        this.#answerTwice(callback, () => run(...given))
    const act = (one: Act): Act =>
      one.kind === 'command' ? { ...one, input: pure(one.input) } : one
    return {
      ...process,
      key: process.key && pure(process.key),
      steps: process.steps.map((step) => ({
        ...step,
        act: act(step.act),
        undo: step.undo && act(step.undo),
      })),
      undo: process.undo && act(process.undo),
    }
  }

  #twice<T>(callback: Callback, tx: Transaction, run: (tx: Transaction) => T): T {
    const tape = new Tape(tx.now)
    const recorded = this.#withRanges(callback, tape.record(tx))
    const first = this.#outcome(callback, 0, () => run(recorded))
    const { transaction, texts } = tape.replay()
    const second = this.#outcome(callback, laterMs, () => run(transaction))
    hush(second)
    this.#compareRuns(callback, tape, texts, first, second)
    this.#keep(() => {
      const { transaction: late, texts: told } = tape.replay()
      const third = this.#outcome(callback, 2 * laterMs, () => run(late))
      hush(third)
      this.#compareRuns(callback, tape, told, first, third)
    })
    if ('error' in first) throw first.error
    return first.returned
  }

  #compareRuns(
    callback: Callback,
    tape: Tape,
    texts: readonly string[],
    first: Ran<unknown>,
    second: Ran<unknown>,
  ): void {
    const differs = (is: string, was: string) =>
      this.#find('not repeatable', callback, `${first0(was)}, ${again(is)}`)
    const at = tape.texts.findIndex((text, number) => texts[number] !== text)
    const extra = texts.length > tape.texts.length
    if (at >= 0 || extra) {
      const place = at >= 0 ? at : tape.texts.length
      differs(texts[place] ?? 'nothing more', tape.texts[place] ?? 'nothing more')
      return
    }
    const [was, is] = [first, second].map((one) => textOfRun(tape, one))
    if (was !== is) differs(String(is), String(was))
  }

  #withRanges(callback: Callback, tx: Transaction): Transaction {
    const { range } = tx as { range: Range }
    return {
      ...tx,
      range: (cache: AnyCache, index: string, asked?: IndexRange) =>
        this.#ranged(callback, cache, index, asked, range(cache, index, asked)),
    } as Transaction
  }

  #ranged(
    callback: Callback,
    cache: AnyCache,
    index: string,
    asked: IndexRange | undefined,
    found: readonly unknown[],
  ): readonly unknown[] {
    const problem = this.#findings.ranges.read(callback, cache.name, index, asked, found.length)
    if (problem) this.#find('unbounded read', callback, problem)
    return found
  }

  #answerTwice<T>(callback: Callback, run: () => T): T {
    const first = this.#outcome(callback, 0, run)
    const second = this.#outcome(callback, laterMs, run)
    const [was, is] = [first, second].map((one) => textOfRun(undefined, one))
    if (was !== is)
      this.#find('not repeatable', callback, `${first0(String(was))}, ${again(String(is))}`)
    if (callback.kind !== 'query')
      this.#keep(() => {
        const later = textOfRun(undefined, this.#outcome(callback, 2 * laterMs, run))
        if (was !== later)
          this.#find('not repeatable', callback, `${first0(String(was))}, ${again(later)}`)
      })
    hush(second)
    if ('error' in first) throw first.error
    return first.returned
  }

  #reader(callback: Callback, read: Reader): Reader {
    const known = (read as Partial<{ has(value: object): boolean }>).has?.bind(read)
    const range = read.range.bind(read) as Range
    return {
      get now() {
        return read.now
      },
      position: read.position,
      get: read.get.bind(read),
      page: read.page.bind(read),
      range: (cache: AnyCache, index: string, asked?: IndexRange) =>
        this.#ranged(callback, cache, index, asked, range(cache, index, asked)),
      count: read.count.bind(read),
      notFound: read.notFound.bind(read),
      ...(known ? { has: known } : {}),
    } as Reader
  }

  /** Runs it under watch; what it throws is kept. */
  #outcome<T>(callback: Callback, aheadMs: number, run: () => T): Ran<T> {
    try {
      return { returned: this.#guarded(callback, this.#use(callback, aheadMs), run) }
    } catch (error) {
      return { error }
    }
  }

  #guarded<T>(callback: Callback, use: ImpureUse, run: () => T): T {
    try {
      return watching(use, run)
    } catch (error) {
      if (error instanceof Rejection || error instanceof GridError || error instanceof Differs)
        throw error
      if (error instanceof TypeError && changesFrozen.test(error.message))
        this.#findings.find('changed in place', told(callback, error))
      throw error
    }
  }

  #use(callback: Callback, aheadMs: number): ImpureUse {
    return {
      now: () => this.#findings.now() + aheadMs,
      random: () => this.#findings.random(),
      used: (rule, what) => {
        const advice =
          rule === 'clock'
            ? 'time comes from the transaction or the reader: now'
            : rule === 'random'
              ? 'chance and identifiers come from the transaction: newId()'
              : 'units may differ in it: hand it to the space when it is made'
        this.#find(rule, callback, `uses ${what}; ${advice}`)
      },
    }
  }

  #find(rule: FindingRule, callback: Callback, problem: string): void {
    const error = new Error(problem)
    // Where that was noticed says nothing.
    if (rule === 'not repeatable') error.stack = ''
    this.#findings.find(rule, told(callback, error))
  }
}

type Range = (cache: AnyCache, index: string, range?: IndexRange) => readonly unknown[]
type Ran<T> = { readonly returned: T } | { readonly error: unknown }

/**
 * With the application's own line: where the stack of the error has it, or else where the callback
 * is declared.
 */
const told = (callback: Callback, error: Error): string =>
  new ApplicationFault(callback, error, '').message

const first0 = (text: string) => `on the same state it first ${shortened(text)}`
const again = (text: string) => `then ${shortened(text)}`

function textOfRun(tape: Tape | undefined, ran: Ran<unknown>): string {
  if ('error' in ran) return `throws ${String((ran.error as Error)?.message ?? ran.error)}`
  const { returned } = ran
  return `returns ${tape ? tape.resultText(returned) : jsonOf(returned)}`
}

/** A promise of a repetition belongs to nobody: what becomes of it is no news. */
function hush(ran: Ran<unknown>): void {
  if ('returned' in ran && ran.returned instanceof Promise) ran.returned.catch(() => undefined)
}

function mapped<T>(all: ReadonlyMap<string, T>, make: (one: T) => T): Map<string, T> {
  return new Map([...all].map(([name, one]) => [name, make(one)]))
}
