import { ownInput } from '@spacegrid/grid/core/access'
import { answerOf, runQuery } from '@spacegrid/grid/core/callback'
import { takeData } from '@spacegrid/grid/core/data'
import type { Reader, Space } from '@spacegrid/grid/core/definition'
import { GridError, Rejection } from '@spacegrid/grid/core/errors'
import type { Outcome } from '@spacegrid/grid/core/operation-options'
import type { AnyCache, Transaction } from '@spacegrid/grid/core/transaction'
import { checkFits } from '@spacegrid/grid/core/validation'
import type { Readiness } from '@spacegrid/grid/engine/life/readiness'
import { FaultDesk } from '@spacegrid/runtime/fault-desk'
import { checkedBatch } from '../../request/query-batch.ts'
import type {
  BatchAnswer,
  BatchedAnswer,
  BatchedQuery,
  CommandAnswer,
  EntryAnswer,
  ExecuteOptions,
  Explanation,
  QueryAnswer,
  ReadOptions,
  Serving,
  SpaceStatus,
} from '../../request/serving.ts'

interface Stored {
  readonly value: Readonly<Record<string, unknown>>
  readonly version: number
  readonly position: number
}

/**
 * What units of one space share in place of a log: the entries, the position and the answers by
 * idempotency key.
 */
export class MemoryGrid {
  position = 1
  readonly entries = new Map<string, Stored>()
  readonly answers = new Map<string, { readonly command: string; readonly answer: CommandAnswer }>()
}

/**
 * A unit without replication for tests of the doors: validates, runs handlers, remembers
 * idempotency keys and numbers positions like the real one. Operations and index ranges are left
 * out.
 */
export class MemoryServing implements Serving {
  readonly name: string
  readonly space: Space
  readonly grid: MemoryGrid
  ready: Readiness = { ready: true }
  /** Thrown by the next calls, as long as it is set. */
  failure: Error | undefined
  /** Awaited by every call: lets a test hold requests in flight. */
  gate: Promise<void> | undefined
  clockDifferenceMs = 0
  /** What reads say of their age; undefined: they are fresh. */
  ageMs: number | undefined

  readonly #desk = new FaultDesk(
    () => 'fault',
    () => undefined,
  )

  constructor(name: string, space: Space, grid = new MemoryGrid()) {
    this.name = name
    this.space = space
    this.grid = grid
  }

  get position(): number {
    return this.grid.position
  }

  readiness(): Readiness {
    return this.ready
  }

  async execute(
    name: string,
    input: unknown,
    options: ExecuteOptions = {},
  ): Promise<CommandAnswer> {
    await this.#enter()
    const command = this.space.commands.get(name)
    if (!command) throw new GridError('unknown_command', `No command ${name}`)
    checkFits(command.input, input, `command ${name}`)
    const key = options.idempotencyKey
    const earlier = key === undefined ? undefined : this.grid.answers.get(key)
    if (earlier && earlier.command !== name)
      throw new GridError('idempotency_key_reused', `The key was used for ${earlier.command}`)
    if (earlier) return { ...earlier.answer, replayed: true }
    const version = 1000 + this.grid.position
    const writes = new Map<string, Stored | undefined>()
    const callback = { kind: 'command', name, declared: command } as const
    let result: unknown
    try {
      const { identity } = options.caller ?? {}
      const returned = command.handler(this.#transaction(writes, version), input as never, {
        caller: identity,
      })
      result = answerOf(command, returned === undefined ? null : takeData(returned), false)
    } catch (thrown) {
      throw this.#desk.judge(callback, thrown)
    }
    this.grid.position += 1
    for (const [place, stored] of writes) {
      if (stored) this.grid.entries.set(place, stored)
      else this.grid.entries.delete(place)
    }
    const answer: CommandAnswer = {
      result,
      position: this.grid.position,
      version,
      replayed: false,
      acknowledged: options.acknowledge ?? command.acknowledge,
    }
    if (key !== undefined) this.grid.answers.set(key, { command: name, answer })
    return answer
  }

  async query(name: string, input: unknown, options: ReadOptions = {}): Promise<QueryAnswer> {
    await this.#enter(options)
    const query = this.space.queries.get(name)
    if (!query) throw new GridError('unknown_query', `No query ${name}`)
    checkFits(query.input, ownInput(query, input), `query ${name}`)
    try {
      const result = runQuery(query, this.#reader(), input)
      const { name: unit, position } = this
      const explanation: Explanation[] = [{ unit, position, ageMs: 0, tookMs: 1, reads: [] }]
      return {
        ...{ result, position, ...this.#age(options) },
        ...(options.explain ? { explanation } : {}),
      }
    } catch (thrown) {
      throw this.#desk.judge({ kind: 'query', name, declared: query }, thrown)
    }
  }

  async queries(batch: readonly BatchedQuery[], options: ReadOptions = {}): Promise<BatchAnswer> {
    await this.#enter(options)
    const answers = await Promise.all(
      checkedBatch(batch).map(({ query, input }) =>
        this.query(query, input, options).then(
          ({ result }): BatchedAnswer => ({ result }),
          (error: GridError): BatchedAnswer => ({ error }),
        ),
      ),
    )
    return { answers, position: this.position, ...this.#age(options) }
  }

  async entry(cache: string, key: string, options: ReadOptions = {}): Promise<EntryAnswer> {
    await this.#enter(options)
    const stored = this.grid.entries.get(`${cache}/${key}`)
    if (!stored) throw new GridError('not_found', `No entry ${JSON.stringify(key)} in ${cache}`)
    const { value, version, position } = stored
    return { value, version, writtenAt: position, position: this.position, ...this.#age(options) }
  }

  status(): SpaceStatus {
    return {
      position: this.position,
      lag: 0,
      entries: this.grid.entries.size,
      bytes: 100 * this.grid.entries.size,
      digest: '0123456789abcdef',
      digestPosition: this.position,
      pending: 1,
      collisions: 2,
      commandsPerSecond: 3,
      clock: { differenceMs: this.clockDifferenceMs, jumps: 3 },
    }
  }

  #age({ stalenessMs }: ReadOptions): { readonly ageMs?: number } {
    if (this.ageMs === undefined) return stalenessMs === undefined ? {} : { ageMs: 0 }
    return { ageMs: this.ageMs }
  }

  async #enter({ position = 0, stalenessMs }: ReadOptions = {}): Promise<void> {
    await this.gate
    if (this.failure) throw this.failure
    if (stalenessMs !== undefined && (this.ageMs ?? 0) > stalenessMs)
      throw new GridError('too_stale', `The state is ${this.ageMs} ms old`, {
        details: { ageMs: this.ageMs, stalenessMs },
        retryAfterMs: 500,
      })
    if (Number(position) > this.position)
      throw new GridError('position_timeout', `Position ${position} was not reached in time`, {
        retryAfterMs: 1500,
      })
  }

  #transaction(writes: Map<string, Stored | undefined>, version: number): Transaction {
    const { entries } = this.grid
    const position = this.grid.position + 1
    const get = (cache: AnyCache, key: string) => {
      const place = `${cache.name}/${key}`
      return (writes.has(place) ? writes.get(place) : entries.get(place))?.value as never
    }
    return {
      now: 1_700_000_000_000,
      newId: () => `id${position}`,
      get,
      peek: get,
      put(cache, value) {
        checkFits(cache.schema, value, `cache ${cache.name}`)
        const data = value as Readonly<Record<string, unknown>>
        writes.set(`${cache.name}/${data[cache.key]}`, { value: data, version, position })
      },
      delete: (cache, key) => void writes.set(`${cache.name}/${key}`, undefined),
      emit: () => {},
      reject(reason, details) {
        throw new Rejection(reason, details)
      },
      range: leftOut,
      increment: leftOut<Outcome<number>>,
      append: leftOut<Outcome<number>>,
      take: leftOut<Outcome<never>>,
    }
  }

  #reader(): Reader {
    const { entries } = this.grid
    return {
      now: 1_700_000_000_000,
      position: this.position,
      get: ({ name }, key) => entries.get(`${name}/${key}`)?.value as never,
      count: ({ name }) =>
        [...entries.keys()].filter((place) => place.startsWith(`${name}/`)).length,
      notFound(message) {
        throw new GridError('not_found', message)
      },
      range: leftOut,
      page: leftOut<never>,
    }
  }
}

function leftOut<T>(): T {
  throw new Error('not part of this test double')
}
