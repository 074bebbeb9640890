import { stirBucket } from './archive-buckets.ts'
import { ArchiveReads, type KnownArchive, type UnknownKey } from './archive-reads.ts'
import { withoutForeign } from './compatibility.ts'
import { takenBytes } from './data.ts'
import type { IndexRange, Value } from './data-types.ts'
import { emittedName } from './define-event.ts'
import type { AnyCommand } from './definition.ts'
import type { EntryView } from './entry.ts'
import { GridError, Rejection } from './errors.ts'
import { isOperation } from './evaluation.ts'
import type { AnyEventType } from './event-type.ts'
import { readingOf, readValue, storedName } from './evolution.ts'
import { ForeseenSteps } from './foreseen-steps.ts'
import { withItem } from './grown-list.ts'
import { contentBytes } from './growth.ts'
import type { CacheLayout } from './layout.ts'
import { defaultTransactionLimits, type TransactionLimits } from './limits.ts'
import { Misuse, outsideSpace } from './misuse.ts'
import type {
  AppendOptions,
  IncrementOptions,
  Outcome,
  Patch,
  TakeOptions,
} from './operation-options.ts'
import { appendedItems, incrementBounds, nameOf, takenPatch } from './operation-schema.ts'
import type { Outbox } from './outbox.ts'
import { PendingOutcome, type Prediction, type SplitData, splitOutcomes } from './outcomes.ts'
import type { Overlay } from './overlay.ts'
import { takenRange } from './range-check.ts'
import {
  checkAtLeast,
  checkDeclared,
  checkReason,
  checkTakeLimit,
  takenEvent,
  takenInitial,
} from './recorder-arguments.ts'
import { sameData } from './same-data.ts'
import {
  type DomainEvent,
  type KeyRead,
  type Operation,
  type RangeRead,
  type Step,
  StepKind,
} from './steps.ts'
import type { AnyCache, Cache, Transaction } from './transaction.ts'
import { checkFits, checkFitsBut, checkKey, fits, isKey, taken } from './validation.ts'
import { absentVersion, digestPairs } from './version.ts'
import { collect, type View } from './view.ts'

export interface RecorderOptions {
  /** The transaction's identity. */
  readonly id: number
  /** ms since the epoch. */
  readonly now: number
  readonly newId: () => string
  readonly limits?: TransactionLimits
  /** What is known of entries that may have left memory. Left out: none has. */
  readonly archive?: KnownArchive | undefined
  /** The transaction's place among those of its unit. */
  readonly number?: number
  /** Where what follows from events is written down; undefined: nothing does. */
  readonly outbox?: Outbox | undefined
  /** All that it may refuse for; undefined: anything. */
  readonly reasons?: readonly string[] | undefined
}

const none: readonly never[] = []

/**
 * Runs a handler over a view and records what it read and what it wants done; the view stays as it
 * is. A handler sees its own writes; when it looks at what one of its operations leaves, that
 * prediction is validated too. It is one object, and what it has recorded is private to it: there
 * is one for each run of a command, and the handler holds it.
 */
export class Recorder implements Transaction, Prediction {
  readonly now: number
  // Replaced when the first item comes: most transactions have one or none, and an empty list that
  // grows reserves room for many.
  #reads: readonly KeyRead[] = none
  #ranges: readonly RangeRead[] = none
  #steps: readonly Step[] = none
  #events: readonly DomainEvent[] = none
  #begins: readonly number[] | undefined
  #partNames: readonly string[] = none
  readonly #view: View
  readonly #options: RecorderOptions
  readonly #limits: TransactionLimits
  #bytes = 0
  #readCount = 0
  #writeCount = 0
  /** What its own steps leave; made when the handler reads a cache it has written. */
  #own: ForeseenSteps | undefined
  #closed = false
  /** Steps that claim entries which are stored otherwise than they are read: the caches. */
  #evolved: Map<number, AnyCache> | undefined
  /** Numbers of the caches written. */
  #written: readonly number[] = none
  #archiveReads: ArchiveReads | undefined

  constructor(view: View, options: RecorderOptions) {
    this.#view = view
    this.#options = options
    this.#limits = options.limits ?? defaultTransactionLimits
    this.now = options.now
  }

  /** The transaction's identity. */
  get id(): number {
    return this.#options.id
  }

  /** Its place among those of its unit. */
  get number(): number {
    return this.#options.number ?? 0
  }

  get reads(): readonly KeyRead[] {
    return this.#reads
  }

  get ranges(): readonly RangeRead[] {
    return this.#ranges
  }

  get steps(): readonly Step[] {
    return this.#steps
  }

  /** What follows is a part of a command, with this input. */
  enterPart({ name }: AnyCommand, _input: unknown): void {
    this.#begins = [...(this.#begins ?? []), this.#steps.length]
    this.#partNames = [...this.#partNames, name]
  }

  /** Where the steps of each part begin; undefined: of a command that has none. */
  get partBegins(): readonly number[] | undefined {
    return this.#begins
  }

  /** The commands of its parts, in their order. */
  get partNames(): readonly string[] {
    return this.#partNames
  }

  get events(): readonly DomainEvent[] {
    return this.#events
  }

  /**
   * Bytes of content in what it wants done, at most what that takes in the log; counted as it is
   * taken.
   */
  get bytes(): number {
    return this.#bytes
  }

  get writes(): boolean {
    return this.#steps.length > 0 || this.#events.length > 0
  }

  /** What the handler took for missing and may be in the store: it has to run again then. */
  get unknown(): readonly UnknownKey[] {
    return this.#archiveReads?.unknown ?? none
  }

  /** The handler has returned: nothing is recorded any more. */
  close(): void {
    this.#closed = true
  }

  /** Makes the transaction depend on a version that the handler has not asked for. */
  read(cache: number, key: string, version: number): void {
    this.#reads = withItem(this.#reads, { cache, key, version })
  }

  newId(): string {
    return this.#options.newId()
  }

  get<V>(cache: Cache<V>, key: string): V | undefined {
    const layout = this.#layoutOf(cache)
    const { number } = layout
    // No entry can have such a key, and the log could not carry it as it is.
    if (!isKey(key)) return undefined
    if (this.#written.includes(number)) {
      const own = this.#applyOwn(number, key)
      const entry = own.find(number, key)
      const below = this.#view.find(number, key)
      // Covered by an own write: what is below was not seen.
      if (entry !== below) return readEntry<V>(cache, entry)
      if (layout.archiveIndex !== undefined && own.covers(number, key)) return undefined
    }
    const entry = this.#view.find(number, key)
    this.#countReads(1)
    this.read(number, key, entry?.version ?? absentVersion)
    if (entry === undefined && layout.archiveIndex !== undefined) {
      const stored = this.#archive?.find(layout, key)
      return stored && (readValue(cache, stored) as V)
    }
    return readEntry<V>(cache, entry)
  }

  peek<V>(cache: Cache<V>, key: string): V | undefined {
    return readEntry<V>(cache, this.#view.find(this.#layoutOf(cache).number, key))
  }

  range<V>(cache: Cache<V>, index: string, range: IndexRange = {}): readonly V[] {
    const layout = this.#layoutOf(cache)
    const indexNumber = this.#indexOf(layout, index)
    const asked = takenRange(layout, indexNumber, range)
    const own = this.#written.includes(layout.number) ? this.#applyOwn(layout.number) : undefined
    // Own writes may hide entries of the range: as many more are read and validated, so that the
    // limit is filled from what was validated.
    const hidden = own?.changedIn(layout.number) ?? 0
    const validated = asked.limit === undefined ? asked : { ...asked, limit: asked.limit + hidden }
    const entries = collect(this.#view, layout.number, indexNumber, validated)
    this.#countReads(entries.length + 1)
    this.#readRange(layout.number, indexNumber, validated, entries)
    const seen = own ? collect(own, layout.number, indexNumber, asked) : entries
    if (cache.evolution === undefined) return seen.map((entry) => entry.value as V)
    return seen.map((entry) => readValue(cache, entry.value) as V)
  }

  put<V>(cache: Cache<V>, value: NoInfer<V>): void {
    const layout = this.#layoutOf(cache)
    const given = taken(value, `cache ${cache.name}`, this.#limits.charactersMax) as Value
    const bytes = takenBytes()
    if (!fits(cache.schema, given)) this.#checkCarried(cache, layout, given)
    const kept = cache.evolution === undefined ? given : readingOf(cache).write(given)
    const key = kept[layout.key]
    checkKey(key, `cache ${cache.name}`)
    this.#countWrites(1)
    this.#bytes += key.length + bytes
    this.#push({ kind: StepKind.put, cache: layout.number, key, value: kept })
  }

  delete(cache: AnyCache, key: string): void {
    const layout = this.#layoutOf(cache)
    checkKey(key, `cache ${cache.name}`)
    this.#countWrites(layout.archiveIndex === undefined ? 1 : 2)
    this.#push({ kind: StepKind.delete, cache: layout.number, key })
    if (layout.archiveIndex === undefined) return
    this.#push(stirBucket(this.#view.layout, layout, key))
  }

  get #archive(): ArchiveReads | undefined {
    const { archive } = this.#options
    if (archive) this.#archiveReads ??= new ArchiveReads(this.#view, archive, this)
    return this.#archiveReads
  }

  /** An operation works on what is in memory when it is melded: what has left is brought back. */
  #bringBack(layout: CacheLayout, key: string): void {
    const cache = layout.number
    if (this.#written.includes(cache) && this.#applySteps().covers(cache, key)) return
    const value = this.#archive?.bringBack(layout, key)
    if (!value) return
    this.#bytes += key.length + contentBytes(value)
    this.#countWrites(1)
    this.#push({ kind: StepKind.put, cache, key, value })
  }

  increment<V>(
    cache: Cache<V>,
    key: string,
    field: string,
    by: number,
    options: IncrementOptions<NoInfer<V>> = {},
  ): Outcome<number> {
    const { min, max, initial, otherwise = 'out_of_bounds' } = options
    const bounds = incrementBounds(cache, field, by, { min, max })
    checkReason(cache, otherwise, this.#options.reasons)
    const target = this.#operationTarget(cache, key, initial, field)
    return this.#operate({
      kind: StepKind.increment,
      ...target,
      field: storedName(cache, field),
      by,
      min: bounds.min,
      max: bounds.max,
      otherwise,
      expected: undefined,
    })
  }

  append<V>(
    cache: Cache<V>,
    key: string,
    field: string,
    items: readonly unknown[],
    options: AppendOptions<NoInfer<V>> = {},
  ): Outcome<number> {
    const { max, initial, otherwise = 'list_full' } = options
    const appended = appendedItems(cache, field, items, max, this.#limits.charactersMax)
    this.#bytes += appended.bytes
    checkReason(cache, otherwise, this.#options.reasons)
    const target = this.#operationTarget(cache, key, initial, field)
    return this.#operate({
      kind: StepKind.append,
      ...target,
      field: storedName(cache, field),
      items: appended.items,
      max: appended.max,
      otherwise,
      expected: undefined,
    })
  }

  take<V>(
    cache: Cache<V>,
    index: string,
    range: IndexRange & { readonly limit: number },
    patch: Patch<V>,
    options: TakeOptions = {},
  ): Outcome<readonly V[]> {
    const layout = this.#layoutOf(cache)
    const indexNumber = this.#indexOf(layout, index)
    const { limit, ...bounds } = takenRange(layout, indexNumber, range)
    const { atLeast = limit, otherwise = 'not_enough' } = options
    checkTakeLimit(cache, limit, this.#limits.takeMax)
    checkAtLeast(cache, atLeast)
    const kept = takenPatch(cache, patch, this.#limits.charactersMax)
    checkReason(cache, otherwise, this.#options.reasons)
    if (cache.evolution?.upcast) this.#upcastRange(cache, layout, indexNumber, { ...bounds, limit })
    this.#countWrites(limit)
    const outcome = this.#operate<readonly V[]>(
      {
        kind: StepKind.take,
        cache: layout.number,
        index: indexNumber,
        range: bounds,
        limit,
        atLeast,
        patch: cache.evolution === undefined ? kept : readingOf(cache).write(kept),
        otherwise,
        expected: undefined,
      },
      cache,
    )
    // What it claims must be what was upcast: that is a prediction, and as such validated.
    if (cache.evolution?.upcast) this.#applyOwn(layout.number)
    return outcome
  }

  emit(event: AnyEventType | string, payload: Value): void {
    this.#checkOpen()
    const name = emittedName(event, payload)
    const taken = takenEvent(name, payload, this.#limits.charactersMax)
    this.#bytes += takenBytes()
    this.#events = withItem(this.#events, taken)
    this.#options.outbox?.note(this, taken, this.number, this.#events.length)
  }

  reject(reason: string, details?: Value): never {
    this.#checkOpen()
    checkDeclared(reason, this.#options.reasons)
    if (this.#own) this.#recordBases(this.#own.applied)
    throw new Rejection(reason, details)
  }

  /**
   * Separates the operations' outcomes from a handler's data: where they belong, to be filled in
   * when they are known. The rest is data as it is kept.
   * @throws DataFault; DataTooLarge for texts beyond `charactersMax`
   */
  slots(data: unknown): SplitData {
    return splitOutcomes(data, this.#limits.charactersMax)
  }

  /**
   * What a callback that its handler has left behind does later on would get into what is on its
   * way already, or into nothing.
   */
  #checkOpen(): void {
    if (this.#closed) throw new TypeError('the transaction is over: its handler has returned')
  }

  #layoutOf(cache: AnyCache): CacheLayout {
    this.#checkOpen()
    if (typeof cache?.schema !== 'object' || cache.schema === null)
      throw new TypeError(`${nameOf(cache)} is not a cache`)
    const layout = this.#view.layout.named(cache.name)
    if (!layout) throw outsideSpace(cache.name)
    return layout
  }

  #indexOf(layout: CacheLayout, index: string): number {
    const number = layout.indexNumber(index)
    if (number === undefined)
      throw new Misuse(layout.name, undefined, `has no index ${nameOf(index)}`)
    return number
  }

  /**
   * A value may hold what it is not this version's to know or to change: fields that only other
   * versions declare, and what stands in the entry already as it is. Everything else is checked.
   * docs/decisions/0025-evolution.md
   */
  #checkCarried(cache: AnyCache, layout: CacheLayout, given: Value): void {
    const own = withoutForeign(given, cache, layout)
    if (own && fits(cache.schema, own)) return
    const value = own ?? given
    const before = this.#before(cache, layout, value[cache.key])
    const isCarried = (field: string) =>
      before !== undefined && sameData(value[field], before[field])
    checkFitsBut(cache.schema, value, `cache ${cache.name}`, isCarried)
  }

  /** The entry as this transaction leaves it so far, as far as puts go; not a read. */
  #before(cache: AnyCache, layout: CacheLayout, key: unknown): Value | undefined {
    const { number } = layout
    if (!isKey(key)) return undefined
    for (let i = this.#steps.length - 1; i >= 0; i--) {
      const step = this.#steps[i] as Step
      if (step.kind === StepKind.put && step.cache === number && step.key === key)
        return readValue(cache, step.value)
    }
    const entry = this.#view.find(number, key)
    if (entry || layout.archiveIndex === undefined) return readEntry<Value>(cache, entry)
    const stored = this.#archive?.peek(layout, key)
    return stored && readValue(cache, stored)
  }

  /**
   * Operations change an entry as it is stored, where it is melded. One that has not got the
   * present shape is brought into it first; with that the transaction has read it.
   */
  #upcastEntry(cache: AnyCache, layout: CacheLayout, key: string, field?: string): void {
    const { upcast, defaults } = cache.evolution ?? {}
    const preset = field === undefined ? undefined : defaults?.[field]
    if (!upcast && isNeutral(preset)) return
    const value = this.get<Value>(cache, key)
    if (value === undefined) return
    const own = this.#written.includes(layout.number) ? this.#own?.view : undefined
    const stored = (own ?? this.#view).find(layout.number, key)?.value
    if (stored === undefined) return
    const isFilled = field === undefined || Object.hasOwn(stored, storedName(cache, field))
    if (!isFilled || readingOf(cache).needsUpcast(stored)) this.put(cache, value)
  }

  #upcastRange(cache: AnyCache, layout: CacheLayout, index: number, range: IndexRange): void {
    const own = this.#written.includes(layout.number) ? this.#applyOwn(layout.number) : this.#view
    for (const { key, value } of collect(own, layout.number, index, range))
      if (readingOf(cache).needsUpcast(value)) this.#upcastEntry(cache, layout, key)
  }

  #operationTarget(cache: AnyCache, key: string, initial: unknown, field: string) {
    const layout = this.#layoutOf(cache)
    checkKey(key, `cache ${cache.name}`)
    if (layout.archiveIndex !== undefined) this.#bringBack(layout, key)
    if (cache.evolution !== undefined) this.#upcastEntry(cache, layout, key, field)
    let kept: Value | undefined
    if (initial !== undefined) {
      kept = takenInitial(cache, initial as Value, this.#limits.charactersMax)
      this.#bytes += takenBytes()
      checkFits(cache.schema, kept, `cache ${cache.name}`)
      if (cache.evolution !== undefined) kept = readingOf(cache).write(kept)
      if (kept[layout.key] !== key)
        throw new TypeError(
          `cache ${cache.name}: the initial value's key is not ${JSON.stringify(key)}`,
        )
    }
    this.#countWrites(1)
    return { cache: layout.number, key, initial: kept }
  }

  /** @param takenFrom the cache whose entries it claims */
  #operate<T>(step: Operation, takenFrom?: AnyCache): Outcome<T> {
    this.#push(step)
    if (takenFrom?.evolution !== undefined) {
      this.#evolved ??= new Map()
      this.#evolved.set(this.#steps.length - 1, takenFrom)
    }
    return new PendingOutcome<T>(this.#steps.length - 1, this, takenFrom?.name)
  }

  /** What an operation is foreseen to come to; from now on that is validated. */
  ofStep(number: number): unknown {
    const step = this.#steps[number] as Operation
    this.#applyOwn(step.cache, step.kind === StepKind.take ? undefined : step.key)
    const outcome = this.#own?.outcomes[number]
    const evolved = this.#evolved?.get(number)
    if (!evolved) return outcome
    return (outcome as readonly Value[]).map((value) => readValue(evolved, value))
  }

  #push(step: Step): void {
    this.#bytes++
    this.#steps = withItem(this.#steps, step)
    if ('cache' in step && !this.#written.includes(step.cache))
      this.#written = withItem(this.#written, step.cache)
  }

  /**
   * The view with every own step applied. The handler is about to see what they leave in this
   * cache, or of this one entry: the operations that may have changed it are validated from now on.
   */
  #applyOwn(cache: number, key?: string): Overlay {
    const own = this.#applySteps()
    this.#own?.see(cache, key)
    return own
  }

  #applySteps(): Overlay {
    this.#checkOpen()
    this.#own ??= new ForeseenSteps(this.#view, this.#options.id)
    const refused = this.#own.apply(this.#steps)
    if (refused) {
      this.#recordBases(this.#own.applied + 1)
      throw new Rejection(refused.reason, refused.details, refused.step)
    }
    return this.#own.view
  }

  /**
   * A refusal sends no steps. It stands only as long as what the first `count` of them met, of
   * which it is the consequence: that becomes a read like any other.
   */
  #recordBases(count: number): void {
    for (const step of this.#steps.slice(0, count)) if (isOperation(step)) this.#recordBasis(step)
  }

  #recordBasis(step: Operation): void {
    const { cache } = step
    if (step.kind === StepKind.take) {
      const range = { ...step.range, limit: step.limit + (this.#own?.view.changedIn(cache) ?? 0) }
      this.#readRange(cache, step.index, range, collect(this.#view, cache, step.index, range))
    } else this.read(cache, step.key, this.#view.find(cache, step.key)?.version ?? absentVersion)
  }

  #readRange(cache: number, index: number, range: IndexRange, entries: readonly EntryView[]): void {
    this.#ranges = withItem(this.#ranges, { cache, index, range, digest: digestPairs(entries) })
  }

  #countReads(count: number): void {
    this.#readCount += count
    if (this.#readCount > this.#limits.readsMax) throw tooMany('read', this.#limits.readsMax)
  }

  #countWrites(count: number): void {
    this.#writeCount += count
    if (this.#writeCount > this.#limits.writesMax) throw tooMany('write', this.#limits.writesMax)
  }
}

const readEntry = <V>(cache: AnyCache, entry: EntryView | undefined): V | undefined => {
  if (cache.evolution === undefined || entry === undefined) return entry?.value as V | undefined
  return readValue(cache, entry.value) as V
}

/** What melding takes a missing field for is what the default says. */
const isNeutral = (preset: unknown): boolean =>
  preset === undefined || preset === 0 || (Array.isArray(preset) && preset.length === 0)

const tooMany = (what: 'read' | 'write', max: number): GridError =>
  new GridError('transaction_too_large', `A transaction may ${what} at most ${max} entries`)
