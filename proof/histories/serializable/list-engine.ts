import type { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import type { ListStep, ListTransaction } from '../list-transaction.ts'

/** How well an engine keeps transactions apart. */
export type Isolation =
  | 'strict serializability'
  /** One order, which does not agree with real time: what only reads may see what has passed. */
  | 'serializability'
  /** Reads are of the moment of the call; of two that append to one list the second one fails. */
  | 'snapshot isolation'
  /** Steps of several transactions take turns. */
  | 'none'

type Lists = Map<string, readonly number[]>

const transactions = 200
const clients = 6
const keys = ['a', 'b', 'c', 'd']
const stepsMax = 4
const together = 3
const pauseMax = 20
const staleMax = 10
const unknownShare = 0.05

/**
 * What clients would have seen of a small store whose isolation is known. Judges are judged by it:
 * what the strict one does must be clean, and what weaker ones do must be found.
 */
export class ListEngine {
  readonly history: ListTransaction[] = []
  readonly #isolation: Isolation
  readonly #random: SeededRandom
  /** Every state there has been, with the moment it began. */
  readonly #past: { readonly at: number; readonly lists: Lists }[] = [{ at: 0, lists: new Map() }]
  readonly #free = new Array<number>(clients).fill(0)
  #now = 0
  #values = 0

  constructor(isolation: Isolation, random: SeededRandom) {
    this.#isolation = isolation
    this.#random = random
    while (this.history.length < transactions)
      if (isolation === 'none') this.#takeTurns()
      else this.#next()
  }

  #next(): void {
    const client = this.#random.below(clients)
    const call = this.#callOf(client)
    const steps = this.#steps()
    const appendsTo = steps.flatMap((step) => ('append' in step ? [step.key] : []))
    const isUnknown = this.#random.chance(unknownShare)
    this.#now = Math.max(this.#now, call) + 1 + this.#random.below(pauseMax)
    const newest = this.#newest
    const from = this.#readFrom(call, appendsTo.length > 0)
    const isRefused =
      this.#isolation === 'snapshot isolation' &&
      appendsTo.some((key) => from.get(key) !== newest.get(key))
    const happens = !isRefused && !(isUnknown && this.#random.chance(0.5))
    const seen = new Map(from)
    const told = steps.map((step) => applyTo(seen, step))
    if (happens && appendsTo.length > 0) {
      const lists = new Map(newest)
      for (const key of appendsTo) lists.set(key, seen.get(key) ?? [])
      this.#past.push({ at: this.#now, lists })
    }
    const outcome = isUnknown ? 'unknown' : isRefused ? 'fail' : 'ok'
    this.#record(client, call, outcome === 'ok' ? told : steps, outcome)
  }

  #takeTurns(): void {
    const own = Array.from({ length: together }, (_, client) => ({
      client,
      call: this.#callOf(client),
      steps: this.#steps(),
      told: [] as ListStep[],
    }))
    this.#now = Math.max(this.#now, ...own.map(({ call }) => call)) + 1
    const lists = this.#newest
    for (;;) {
      const open = own.filter(({ steps, told }) => told.length < steps.length)
      const turn = open[this.#random.below(open.length)]
      if (!turn) break
      turn.told.push(applyTo(lists, turn.steps[turn.told.length] as ListStep))
    }
    for (const { client, call, told } of own) this.#record(client, call, told, 'ok')
  }

  #record(
    client: number,
    call: number,
    steps: readonly ListStep[],
    outcome: ListTransaction['outcome'],
  ): void {
    const end = this.#now + 1 + this.#random.below(pauseMax)
    this.#free[client] = end
    const ended = outcome === 'unknown' ? {} : { return: end }
    this.history.push({ client, steps, call, outcome, ...ended })
  }

  get #newest(): Lists {
    return this.#past.at(-1)?.lists ?? new Map()
  }

  #readFrom(call: number, appends: boolean): Lists {
    const isOld = this.#isolation === 'serializability' && !appends
    if (!isOld && this.#isolation !== 'snapshot isolation') return this.#newest
    const from = isOld ? call - this.#random.below(staleMax * pauseMax) : call
    return this.#past.findLast(({ at }) => at <= from)?.lists ?? new Map()
  }

  #callOf(client: number): number {
    return (this.#free[client] as number) + 1 + this.#random.below(pauseMax)
  }

  /** What it reads is filled in when it runs. */
  #steps(): ListStep[] {
    return Array.from({ length: 1 + this.#random.below(stepsMax) }, () => {
      const key = keys[this.#random.below(keys.length)] as string
      return this.#random.chance(0.5) ? { key, append: ++this.#values } : { key, read: null }
    })
  }
}

function applyTo(lists: Lists, step: ListStep): ListStep {
  const list = lists.get(step.key) ?? []
  if (!('append' in step)) return { key: step.key, read: list }
  lists.set(step.key, [...list, step.append])
  return step
}
