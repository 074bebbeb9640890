import { noContext } from '@spacegrid/grid/core/access'
import type { IndexRange, Value } from '@spacegrid/grid/core/data-types'
import type { AnyCommand } from '@spacegrid/grid/core/definition'
import type { EventType } from '@spacegrid/grid/core/event-type'
import type {
  AppendOptions,
  IncrementOptions,
  Outcome,
  Patch,
  TakeOptions,
} from '@spacegrid/grid/core/operation-options'
import type { AnyCache, Cache, Transaction } from '@spacegrid/grid/core/transaction'
import { Rejection } from 'spacegrid'
import type { Attempt } from '../check/history.ts'
import { same } from '../check/same.ts'
import type { StalePeek } from '../workloads/workload.ts'
import type { Model } from './model.ts'
import { naiveRange } from './naive-range.ts'

/** What a handler does when it runs alone. */
export type Effect =
  | { readonly kind: 'rejection'; readonly reason: string; readonly details: Value }
  | { readonly kind: 'done'; readonly result: unknown; readonly transaction: ModelTransaction }

class Known<T> implements Outcome<T> {
  readonly #transaction: ModelTransaction
  readonly value: T

  constructor(transaction: ModelTransaction, value: T) {
    this.#transaction = transaction
    this.value = value
  }

  get predicted(): T {
    this.#transaction.look()
    return this.value
  }
}

/** Executes an attempt's handler once more, alone, on the model; the model stays as it is. */
export function execute(model: Model, command: AnyCommand, attempt: Attempt): Effect {
  const transaction = new ModelTransaction(model, attempt)
  try {
    const data: unknown = command.handler(transaction, attempt.input, noContext)
    transaction.look()
    const resolved = resolve(data)
    const result = command.answer ? command.answer(resolved) : resolved
    return { kind: 'done', result: result ?? null, transaction }
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    return { kind: 'rejection', reason: error.reason, details: error.details }
  }
}

function resolve(data: unknown): unknown {
  if (data instanceof Known) return data.value
  if (Array.isArray(data)) return data.map((item) => (item instanceof Known ? item.value : item))
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(
    Object.entries(data).map(([name, field]) => [
      name,
      field instanceof Known ? field.value : field,
    ]),
  )
}

/** A transaction on the model: everything happens at once, nothing is foreseen or validated. */
export class ModelTransaction implements Transaction {
  readonly now: number
  readonly writes = new Map<string, Map<string, Value | undefined>>()
  readonly events: { readonly name: string; readonly payload: Value }[] = []
  readonly #model: Model
  readonly #attempt: Attempt
  readonly #touched = new Set<string>()
  /** What the handler has read and may rest on. */
  readonly #read = new Set<string>()
  readonly #replaced = new Set<string>()
  readonly #stale: StalePeek[] = []
  #ids = 0
  #peeks = 0
  /** An operation was refused; the handler learns of it only when it looks. */
  #refusal: Rejection | undefined

  constructor(model: Model, attempt: Attempt) {
    this.now = attempt.now
    this.#model = model
    this.#attempt = attempt
  }

  commit(): void {
    for (const [cache, entries] of this.writes)
      for (const [key, value] of entries) this.#model.write(cache, key, value)
  }

  /** Whoever looks at what operations left learns of one that was refused. */
  look(): void {
    if (this.#refusal) throw this.#refusal
  }

  newId(): string {
    return this.#attempt.ids[this.#ids++] ?? 'an id too many'
  }

  /** What it has replaced, having only peeked at something else. */
  get replacedUnread(): readonly StalePeek[] {
    return this.#stale.filter(({ cache, key }) => {
      const place = placeOf(cache, key)
      return this.#replaced.has(place) && !this.#read.has(place)
    })
  }

  get<V>(cache: Cache<V>, key: string): V | undefined {
    this.#lookAt(cache)
    this.#read.add(placeOf(cache.name, key))
    return this.#find(cache, key) as V | undefined
  }

  peek<V>(cache: Cache<V>, key: string): V | undefined {
    const seen = this.#attempt.peeks[this.#peeks++]
    const own = this.writes.get(cache.name)
    const present = own?.has(key) ? own.get(key) : this.#model.entries(cache.name).get(key)
    if (!same(seen, present)) this.#stale.push({ cache: cache.name, key, seen, present })
    return seen as V | undefined
  }

  range<V>(cache: Cache<V>, index: string, range: IndexRange = {}): readonly V[] {
    this.#lookAt(cache)
    return this.#range(cache, index, range).map(([key, value]) => {
      this.#read.add(placeOf(cache.name, key))
      return value as V
    })
  }

  put<V>(cache: Cache<V>, value: V): void {
    // What becomes of the original later is nobody's concern.
    const plain = structuredClone(plainly(value as Value))
    this.#replaced.add(placeOf(cache.name, plain[cache.key] as string))
    this.#write(cache, plain[cache.key] as string, plain)
  }

  delete(cache: AnyCache, key: string): void {
    this.#replaced.add(placeOf(cache.name, key))
    this.#write(cache, key, undefined)
  }

  increment<V>(
    cache: Cache<V>,
    key: string,
    field: string,
    by: number,
    options: IncrementOptions<V> = {},
  ): Outcome<number> {
    const { min, max, initial, otherwise = 'out_of_bounds' } = options
    const base = this.#find(cache, key) ?? (initial && plainly(initial as Value))
    if (!base) return this.#refuse(cache, otherwise, { missing: key })
    const before = (base[field] ?? 0) as number
    const after = before + by
    if (min !== undefined && after < min)
      return this.#refuse(cache, otherwise, { value: before, min })
    if (max !== undefined && after > max)
      return this.#refuse(cache, otherwise, { value: before, max })
    this.#write(cache, key, { ...base, [field]: after })
    return new Known(this, after)
  }

  append<V>(
    cache: Cache<V>,
    key: string,
    field: string,
    items: readonly unknown[],
    options: AppendOptions<V> = {},
  ): Outcome<number> {
    const { max, initial, otherwise = 'list_full' } = options
    const base = this.#find(cache, key) ?? (initial && plainly(initial as Value))
    if (!base) return this.#refuse(cache, otherwise, { missing: key })
    const before = (base[field] ?? []) as unknown[]
    const after = [...before, ...items]
    if (max !== undefined && after.length > max)
      return this.#refuse(cache, otherwise, { length: before.length, max })
    this.#write(cache, key, { ...base, [field]: after })
    return new Known(this, after.length)
  }

  take<V>(
    cache: Cache<V>,
    index: string,
    range: IndexRange & { readonly limit: number },
    patch: Patch<V>,
    { atLeast = range.limit, otherwise = 'not_enough' }: TakeOptions = {},
  ): Outcome<readonly V[]> {
    const found = this.#range(cache, index, range)
    if (found.length < atLeast)
      return this.#refuse(cache, otherwise, { available: found.length, wanted: range.limit })
    const taken = found.map(([key, value]) => {
      const patched = plainly({ ...value, ...patch })
      this.#write(cache, key, patched)
      return patched as V
    })
    return new Known(this, taken)
  }

  emit(event: EventType | string, payload: Value): void {
    const name = typeof event === 'string' ? event : event.name
    this.events.push({ name, payload: structuredClone(payload) })
  }

  reject(reason: string, details: Value = {}): never {
    throw new Rejection(reason, details)
  }

  #refuse(cache: AnyCache, reason: string, details: Value): Outcome<never> {
    this.#touched.add(cache.name)
    this.#refusal ??= new Rejection(reason, details)
    return new Known(this, undefined as never)
  }

  #lookAt(cache: AnyCache): void {
    if (this.#touched.has(cache.name)) this.look()
  }

  #find(cache: AnyCache, key: string): Value | undefined {
    const own = this.writes.get(cache.name)
    return own?.has(key) ? own.get(key) : this.#model.find(cache.name, key)
  }

  #range(cache: AnyCache, index: string, range: IndexRange): [string, Value][] {
    const entries = new Map(this.#model.entries(cache.name))
    for (const [key, value] of this.writes.get(cache.name) ?? [])
      if (value === undefined) entries.delete(key)
      else entries.set(key, value)
    return naiveRange(cache, entries, index, range)
  }

  #write(cache: AnyCache, key: string, value: Value | undefined): void {
    this.#touched.add(cache.name)
    let entries = this.writes.get(cache.name)
    if (!entries) {
      entries = new Map()
      this.writes.set(cache.name, entries)
    }
    entries.set(key, value)
  }
}

const placeOf = (cache: string, key: string): string => `${cache}/${key}`

/** Fields that are undefined are not there. */
const plainly = (value: Value): Value =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined))
