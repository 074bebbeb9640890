import { type Clock, sleep } from '../ports/clock.ts'
import { type AuditMessage, type EntryName, isReplica, type Teller } from './audit-message.ts'
import type { DigestHistory } from './digest-history.ts'
import type { Told } from './peer-table.ts'
import { judge, judgeValue, settle, type Verdict, type Vote } from './verdict.ts'

/** Votes are waited for this long. */
const collectMs = 300
/** Whoever can count the store says so at once; meanwhile the replicas count themselves. */
const counterMsMax = 3000
/** How long the store may be counted. */
const countMsMax = 60_000

const questionOf = {
  digest: (position: number) => `digest ${position}`,
  entry: ({ cache, key, position }: EntryName) => `entry ${position} ${cache} ${key}`,
}

/**
 * Finds out who is wrong when two replicas differ, by asking all of them and, when that does not
 * decide, the store. What is asked is answered to all, and `judge` is the same everywhere.
 * docs/decisions/0009.
 */
export class Disputes {
  readonly #self: Teller
  readonly #history: DigestHistory
  readonly #clock: Clock
  readonly #send: (message: AuditMessage) => void
  readonly #ballots = new Map<string, Map<number, Vote>>()
  #counting: (() => void) | undefined
  #counted: ((told: Told | undefined) => void) | undefined

  constructor(
    self: Teller,
    history: DigestHistory,
    clock: Clock,
    send: (message: AuditMessage) => void,
  ) {
    this.#self = self
    this.#history = history
    this.#clock = clock
    this.#send = send
  }

  /** A digest was told: a vote, if anybody asked; what the store counts to is an authority. */
  heardDigest(told: Told, counted: boolean): void {
    const { from, position, digest } = told
    if (from.role === 'store' && counted) this.#counted?.(told)
    else if (isReplica(from)) this.#vote(questionOf.digest(position), { from, answer: digest })
  }

  heardEntry(from: Teller, entry: EntryName, print: number): void {
    this.#vote(questionOf.entry(entry), { from, answer: String(print) })
  }

  /** Somebody has begun to count the store. */
  heardCounting(): void {
    this.#counting?.()
  }

  /** Whether this replica is wrong, which differs from another one at a position. */
  async overDigest(position: number): Promise<Verdict> {
    const own = this.#history.at(position)
    if (own === undefined) return 'undecided'
    const votes = await this.#askDigest(position)
    const verdict = judge(this.#own(own), votes)
    return verdict === 'undecided' ? await this.#overCount(position) : verdict
  }

  /**
   * Whether this replica's value is wrong, which differs from another one's of the same version.
   */
  async overEntry(
    entry: EntryName,
    print: () => number | undefined,
    logged: () => Promise<number | undefined>,
  ): Promise<Verdict> {
    const votes = await this.#ask(questionOf.entry(entry), { kind: 'doubt', entry })
    const own = print()
    // Written again meanwhile: what is in doubt is no more.
    if (own === undefined) return 'undecided'
    // All that there is comes from the log: while it tells, nobody else has to be asked.
    const byLog = await logged()
    const now = print()
    if (byLog !== undefined && now === own) return own === byLog ? 'right' : 'wrong'
    const verdict = judgeValue(this.#own(String(own)), votes)
    return verdict === 'undecided' ? settle(this.#own(String(own)), votes) : verdict
  }

  /** Whether most replicas have this digest at a position, and at least one has. */
  async confirms(position: number, digest: string): Promise<boolean> {
    const votes = await this.#askDigest(position)
    const agreeing = votes.filter(({ answer }) => answer === digest).length
    return 2 * agreeing > votes.length
  }

  /**
   * Everybody counts anew: a replica that has lost account of itself leaves by itself, and the
   * store has the casting vote.
   */
  async #overCount(position: number): Promise<Verdict> {
    const stored = await this.#countStore(position)
    const at = stored && this.#history.at(stored.position) ? stored.position : this.#history.last
    const votes = await this.#askDigest(at)
    const digest = this.#history.at(at)
    if (digest === undefined) return 'undecided'
    const own = this.#own(digest)
    const voice = stored?.position === at ? [{ from: stored.from, answer: stored.digest }] : []
    const verdict = judge(own, [...votes, ...voice])
    return verdict === 'undecided' ? settle(own, votes) : verdict
  }

  async #countStore(position: number): Promise<Told | undefined> {
    const { promise, resolve } = Promise.withResolvers<Told | undefined>()
    let timer = this.#clock.after(counterMsMax, () => resolve(undefined))
    this.#counted = resolve
    this.#counting = () => {
      timer.cancel()
      timer = this.#clock.after(countMsMax, () => resolve(undefined))
    }
    this.#send({ kind: 'ask', position, recount: true })
    const stored = await promise
    timer.cancel()
    this.#counted = undefined
    this.#counting = undefined
    return stored
  }

  #askDigest(position: number): Promise<Vote[]> {
    return this.#ask(questionOf.digest(position), { kind: 'ask', position, recount: false })
  }

  async #ask(question: string, message: AuditMessage): Promise<Vote[]> {
    const ballot = new Map(this.#ballots.get(question))
    this.#ballots.set(question, ballot)
    this.#send(message)
    await sleep(this.#clock, collectMs)
    if (this.#ballots.get(question) === ballot) this.#ballots.delete(question)
    return [...ballot.values()]
  }

  #vote(question: string, vote: Vote): void {
    this.#ballots.get(question)?.set(vote.from.id, vote)
  }

  #own(answer: string): Vote {
    return { from: this.#self, answer }
  }
}
