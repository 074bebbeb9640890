import type { IndexRange, Value } from '../../core/data-types.ts'
import type { Evaluation } from '../../core/evaluation.ts'
import { Melder } from '../../core/meld.ts'
import { idempotencyCacheNumber } from '../../core/shape.ts'
import type { SpaceState } from '../../core/space-state.ts'
import { StepKind, type TransactionRecord } from '../../core/steps.ts'
import { collect } from '../../core/view.ts'
import { decodeTransactions } from '../../engine/wire/frame-codec.ts'
import type { Command, Sent } from './partition-command.ts'
import { accounts } from './partition-log.ts'

/** One value that an entry has had, in the order of its partition's log. */
interface Past {
  readonly version: number
  readonly before: Value | undefined
  readonly after: Value | undefined
  readonly by: string
}

/** What was read: of an entry its place in its past, -1: nothing yet. */
interface Read {
  readonly entry: string
  readonly place: number
  /** Of a range: whether it has the entry with such a value. Left out: it was read by its key. */
  readonly has?: (value: Value | undefined) => boolean
}

/** An attempt that took effect. */
interface Effect {
  readonly id: string
  readonly command: Command
  readonly at: Set<number>
  readonly reads: Read[]
}

/** Judges a history by the promises: each command once and whole, strictly serializable. */
export class Judge {
  readonly #sents = new Map<string, Sent>()
  readonly #commands = new Map<string, Command>()
  readonly #effects = new Map<string, Effect>()
  readonly #past = new Map<string, Past[]>()
  readonly #prepared = new Map<string, Read[]>()
  /** What was read by records that were confirmed where they stand. */
  readonly #confirmed = new Map<string, TransactionRecord>()
  readonly #problems = new Set<string>()
  across = 0

  problem(what: string): void {
    this.#problems.add(what)
  }

  sent(sent: Sent): void {
    this.#sents.set(`${sent.at}.${sent.origin}`, sent)
    this.#commands.set(sent.attempt, sent.command)
  }

  confirmed({ at, origin }: Sent, record: TransactionRecord): void {
    this.#confirmed.set(`${at}.${origin}`, record)
  }

  commandOf(attempt: string): Command {
    const command = this.#commands.get(attempt)
    if (!command) throw new Error(`nobody has sent ${attempt}`)
    return command
  }

  /** Melds a partition's log once more, and sees what takes effect. */
  follow(state: SpaceState, at: number): Melder {
    let reads: Read[] = []
    let by = ''
    return new Melder(state, decodeTransactions, {
      accepted: ({ origin, transactions: [transaction] }) => {
        const sent = this.#sents.get(`${at}.${origin}`)
        if (!sent || !transaction) throw new Error('nobody has sent it')
        by = sent.attempt
        const confirmed = this.#confirmed.get(`${at}.${origin}`)
        reads = this.#readsOf(state, at, confirmed ?? transaction)
        if (confirmed) this.#take(by, at, reads)
      },
      changed: ({ cache, key, value, version }, before) => {
        if (cache !== accounts && cache !== idempotencyCacheNumber) return
        const entry = `${at}/${cache}/${key}`
        const past = this.#past.get(entry) ?? []
        past.push({ version, before, after: value, by })
        this.#past.set(entry, past)
      },
      decided: (_index, transaction, _id, evaluation) =>
        this.#decided(at, by, reads, transaction, evaluation),
    })
  }

  #decided(
    at: number,
    by: string,
    reads: Read[],
    { hold, steps }: TransactionRecord,
    evaluation: Evaluation,
  ): void {
    if (evaluation.outcome !== 'applied' || steps.length + reads.length === 0) return
    const [step] = steps
    if (hold) this.#prepared.set(`${by}@${at}`, reads)
    else if (step?.kind === StepKind.decide || step?.kind === StepKind.finish) {
      const prepared = this.#prepared.get(`${by}@${at}`)
      if (evaluation.outcomes[0] !== 'commit' || !prepared) return
      this.#prepared.delete(`${by}@${at}`)
      this.#take(by, at, prepared)
      if (step.kind === StepKind.decide) this.across++
    } else if (step?.kind !== StepKind.forget && !this.#confirmed.has(by)) this.#take(by, at, reads)
  }

  #take(id: string, at: number, reads: readonly Read[]): void {
    const effect = this.#effects.get(id) ?? {
      ...{ id, command: this.commandOf(id), at: new Set<number>(), reads: [] },
    }
    effect.at.add(at)
    effect.reads.push(...reads)
    this.#effects.set(id, effect)
  }

  #readsOf(state: SpaceState, at: number, record: TransactionRecord): Read[] {
    const reads: Read[] = []
    for (const { cache, key, version } of record.reads) {
      const entry = `${at}/${cache}/${key}`
      const past = this.#past.get(entry) ?? []
      const place = version === 0 ? -1 : past.findLastIndex((one) => one.version === version)
      reads.push({ entry, place })
    }
    for (const { range } of record.ranges) reads.push(...this.#readsOfRange(state, at, range))
    for (const step of record.steps)
      if (step.kind === StepKind.take) {
        const range = { ...step.range, limit: step.limit }
        reads.push(...this.#readsOfRange(state, at, range))
      } else if (step.kind === StepKind.increment) {
        const entry = `${at}/${step.cache}/${step.key}`
        reads.push({ entry, place: (this.#past.get(entry)?.length ?? 0) - 1 })
      }
    return reads
  }

  #readsOfRange(state: SpaceState, at: number, range: IndexRange): Read[] {
    const order = state.layout.cache(accounts).orders[0]
    if (!order) throw new Error('there is an index')
    const entries = collect(state, accounts, 0, range)
    const last = entries.length === range.limit ? entries.at(-1) : undefined
    const bound = last && order.boundOf(last)
    const prefix = `${at}/${accounts}/`
    const names = [...this.#past.keys()].filter((entry) => entry.startsWith(prefix))
    return names.map((entry) => {
      const key = entry.slice(prefix.length)
      const has = (value: Value | undefined) =>
        value !== undefined &&
        order.covers(value) &&
        !order.isBefore(value, range) &&
        !order.isBehind(value, range) &&
        (!bound || order.compare({ key, value }, bound) <= 0)
      return { entry, place: (this.#past.get(entry)?.length ?? 0) - 1, has }
    })
  }

  /** What is wrong with it, all in all. */
  problems(commands: readonly Command[], money: number, moneyBefore: number): readonly string[] {
    const perCommand = new Set<Command>()
    for (const { command, at, id } of this.#effects.values()) {
      if (id === '') continue
      if (at.size !== command.parts.length) this.problem('half of a command')
      if (perCommand.has(command) && !isRead(command)) this.problem('a command applied twice')
      perCommand.add(command)
    }
    for (const command of commands) {
      const isAnswered = command.answeredAt < Number.POSITIVE_INFINITY
      if (isAnswered && !perCommand.has(command)) this.problem('answered but not applied')
    }
    const added = [...perCommand].reduce((sum, { adds }) => sum + adds, 0)
    if (money !== moneyBefore + added) this.problem('money has come or gone')
    if (this.#hasCircle()) this.problem('not strictly serializable')
    return [...this.#problems]
  }

  #hasCircle(): boolean {
    const after = new Map<string, Set<string>>()
    const add = (first: string, then: string) => {
      if (first === then || !this.#effects.has(first) || !this.#effects.has(then)) return
      const others = after.get(first) ?? new Set()
      after.set(first, others.add(then))
    }
    for (const past of this.#past.values())
      for (let n = 1; n < past.length; n++) add(past[n - 1]?.by ?? '', past[n]?.by ?? '')
    for (const { id, reads } of this.#effects.values())
      for (const { entry, place, has } of reads) this.#order(id, entry, place, has, add)
    const effects = [...this.#effects.values()]
    for (const a of effects)
      for (const b of effects) if (a.command.answeredAt < b.command.startedAt) add(a.id, b.id)
    return hasCircle(after)
  }

  /** Whoever wrote what was read comes before, and whoever overwrote it behind. */
  #order(
    id: string,
    entry: string,
    place: number,
    has: Read['has'],
    add: (first: string, then: string) => void,
  ): void {
    const past = this.#past.get(entry) ?? []
    const matters = ({ before, after }: Past) => !has || has(before) || has(after)
    const made = past.slice(0, place + 1).findLast((one) => matters(one) && one.by !== id)
    if (made) add(made.by, id)
    const next = past.slice(place + 1).find((one) => matters(one) && one.by !== id)
    if (next) add(id, next.by)
  }
}

/** Nobody remembers an answer to what changes nothing, so it may be given twice. */
const isRead = ({ name }: Command): boolean => name === 'look' || name === 'list'

function hasCircle(after: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const done = new Map<string, boolean>()
  const visit = (id: string): boolean => {
    done.set(id, false)
    for (const next of after.get(id) ?? []) {
      if (done.get(next) === false) return true
      if (!done.has(next) && visit(next)) return true
    }
    done.set(id, true)
    return false
  }
  return [...after.keys()].some((id) => !done.has(id) && visit(id))
}
