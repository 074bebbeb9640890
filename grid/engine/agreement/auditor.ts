import { GridError, isGridError } from '../../core/errors.ts'
import type { LogName } from '../../core/log-name.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Messaging } from '../ports/messaging.ts'
import type { Random } from '../ports/random.ts'
import type { Replica } from '../replica/replica.ts'
import { SnapshotService, type Suspect } from '../replica/snapshot-service.ts'
import { ReplicaSnapshot } from '../replica/snapshot-source.ts'
import { subjects } from '../wire/subjects.ts'
import { AuditChannel } from './audit-channel.ts'
import {
  type AuditMessage,
  type AuditRole,
  type EntryName,
  isReplica,
  type MendWish,
  type Teller,
} from './audit-message.ts'
import type { AuditStatus } from './audit-status.ts'
import { DigestHistory } from './digest-history.ts'
import { Disputes } from './disputes.ts'
import { EntrySamples } from './entry-samples.ts'
import { loggedPrint } from './logged-print.ts'
import { PeerTable, type Told } from './peer-table.ts'
import { recount } from './recount.ts'
import { printOf } from './sampler.ts'
import type { Verdict } from './verdict.ts'

export interface AuditPorts {
  readonly log: Log
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
}

export interface AuditOptions {
  readonly logName: LogName
  readonly name: string
  readonly role: AuditRole
  /**
   * How often the digest is told, and a sample of entries. Default 1,000. 0: never, and nothing is
   * compared.
   */
  readonly tellMs?: number
  /** Entries told at least each time. Default 200. 0: values are not compared. */
  readonly sampleEntries?: number
  /**
   * In this time every entry is told, and so compared, as far as a twentieth of the time is enough
   * for it. Default 600,000.
   */
  readonly coverMs?: number
  /**
   * The store is wrong, and this replica is one that can have it written anew. Default: it is not.
   */
  readonly mend?: (wish: MendWish) => void
  /**
   * Bytes of changes that wait while somebody reads a snapshot of this replica. Default 256 MiB.
   */
  readonly snapshotBytesMax?: number
  /** This replica is wrong: it has to leave service and rehydrate. */
  readonly diverged: (error: GridError) => void
  readonly report: (level: 'info' | 'warn' | 'error', message: string) => void
}

/** Pause between two disputes, and between two counts. */
const restMs = 5000
/**
 * A copy that replaces what was wrong is believed when it agrees with another replica, or when
 * nobody is heard for so long.
 */
const aloneMsMax = 12_000
const storedToldMsMin = 60_000
/**
 * Keeps one replica honest: tells its digest every second, compares it with what the others and the
 * stored copies had at the same position, and finds out who is wrong when they differ.
 * architecture.md, invariant 9; docs/decisions/0009. Lives as long as its component and follows one
 * replica after the other. Costs two numbers per frame; everything else happens once a second.
 */
export class Auditor {
  readonly #ports: AuditPorts
  readonly #options: AuditOptions
  readonly #self: Teller
  readonly #history = new DigestHistory()
  readonly #peers = new PeerTable()
  readonly #disputes: Disputes
  readonly #snapshots: SnapshotService
  readonly #channel: AuditChannel
  #timer: Timer | undefined
  #stopped = false
  #replica: Replica | undefined
  #stopListening: () => void = () => undefined
  readonly #samples: EntrySamples
  #followedAt = 0
  #disputing = false
  #restUntil = Number.NEGATIVE_INFINITY
  #storedToldAt = Number.NEGATIVE_INFINITY
  #recountedAt = Number.NEGATIVE_INFINITY
  /** What was found wrong, until the copy in its place has proved right. */
  #wrong: { readonly reason: string; readonly suspect: Suspect | undefined } | undefined
  #lastComparison = { position: 0, at: 0 }
  #comparisons = 0
  #divergences = 0

  constructor(ports: AuditPorts, options: AuditOptions) {
    this.#ports = ports
    this.#options = options
    this.#self = { id: ports.random.integer(), name: options.name, role: options.role }
    this.#channel = new AuditChannel(options.logName, ports, (message) => this.#receive(message))
    this.#disputes = new Disputes(this.#self, this.#history, ports.clock, (message) =>
      this.#channel.send(message),
    )
    const { messaging, clock, random } = ports
    const { tellMs = 1000, sampleEntries = 200, coverMs = 600_000 } = options
    this.#samples = new EntrySamples(
      {
        ...{ self: this.#self, clock },
        isFirst: () => this.#peers.isFirst(this.#self),
        send: (message) => this.#channel.send(message),
        differs: (from, entry) => this.#entryDiffers(from, entry),
      },
      { tellMs, sampleEntries, coverMs },
    )
    this.#snapshots = new SnapshotService(messaging, clock, random, () => this.#snapshot(), {
      logName: options.logName,
      subject: subjects.snapshotForAudit(options.logName, this.#self.id),
      sessionsMax: 1,
    })
  }

  /** Whether it is being found out who is wrong. */
  get isDisputing(): boolean {
    return this.#disputing
  }

  /** The digest that was found wrong, for those who give copies. */
  get suspect(): Suspect | undefined {
    return this.#wrong?.suspect
  }

  start(): void {
    if (this.#options.tellMs !== 0) {
      this.#channel.start()
      this.#tickLater()
    }
    void this.#offerSnapshots()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    this.rest()
    await this.#snapshots.stop()
    await this.#channel.stop()
  }

  /** From now on this replica is compared; its state is exact. */
  follow(replica: Replica): void {
    this.rest()
    const { state } = replica
    this.#replica = replica
    this.#samples.follow(state)
    this.#history.begin(state.position, state.digest)
    this.#peers.reset()
    this.#followedAt = this.#ports.clock.monotonic()
    this.#stopListening = replica.listen({
      melded: () => {
        this.#history.record(state.position, state.digest)
        if (state.position >= this.#peers.nextAwaited) this.#compareAwaited()
      },
    })
    void this.#channel.identify()
  }

  /** There is no replica for now. */
  rest(): void {
    this.#stopListening()
    this.#stopListening = () => undefined
    this.#replica = undefined
    this.#samples.rest()
  }

  /**
   * Why this replica must not serve, though it follows the log: what it replaces was wrong, and
   * nobody has vouched for it yet.
   */
  doubt(): string | undefined {
    return this.#wrong && `diverged: ${this.#wrong.reason}`
  }

  /** Whether there is a `doubt`. */
  get doubts(): boolean {
    return this.#wrong !== undefined
  }

  /** Whether most replicas have this digest at a position, and at least one has. */
  async confirms(position: number, digest: string): Promise<boolean> {
    await this.#channel.identify()
    return await this.#disputes.confirms(position, digest)
  }

  /** Whether what was found wrong is this replica's too. */
  isLike({ position, digest, entry }: Suspect): boolean {
    const state = this.#replica?.state
    if (entry) return state !== undefined && printOf(state, entry) === entry.print
    return this.#history.at(position) === digest
  }

  status(): AuditStatus {
    return {
      drift: this.#peers.differing,
      ...this.#lastComparison,
      comparisons: this.#comparisons,
      entriesCompared: this.#samples.compared,
      entriesDifferent: this.#samples.different,
      diverged: this.#divergences,
      peers: this.#peers.list(),
    }
  }

  #tickLater(): void {
    this.#timer = this.#ports.clock.after(this.#options.tellMs ?? 1000, () => {
      this.#tickLater()
      this.#tick()
    })
  }

  #tick(): void {
    const now = this.#ports.clock.monotonic()
    this.#peers.forgetSilent(now)
    if (!this.#replica) return
    if (this.#channel.logIdentity === undefined) void this.#channel.identify()
    this.#tell(this.#history.last)
    this.#samples.tell()
    if (!this.#peers.hasReplicas && now - this.#followedAt > aloneMsMax) this.#believe()
  }

  #tell(position: number): void {
    const digest = this.#history.at(position)
    if (!this.#replica || digest === undefined) return
    this.#channel.send({ kind: 'digest', from: this.#self, position, digest, counted: false })
  }

  /** For whoever wants to look at just this replica, in service or not. */
  #snapshot(): ReplicaSnapshot {
    if (this.#replica) return new ReplicaSnapshot(this.#replica, this.#options.snapshotBytesMax)
    throw new GridError('not_ready', `${this.#self.name} is rehydrating`)
  }

  async #offerSnapshots(): Promise<void> {
    try {
      await this.#snapshots.start()
    } catch (error) {
      if (!isGridError(error)) throw error
      // Not connected just now.
      this.#ports.clock.after(restMs, () => {
        if (!this.#stopped) void this.#offerSnapshots()
      })
    }
  }

  #receive(message: AuditMessage): void {
    if ('from' in message) {
      if (message.from.id === this.#self.id) return
      this.#peers.heard(message.from, this.#ports.clock.monotonic())
    }
    switch (message.kind) {
      case 'digest':
        this.#disputes.heardDigest(message, message.counted)
        this.#heard(message)
        break
      case 'ask':
        this.#tell(message.position)
        if (message.recount) void this.#recount()
        break
      case 'pin':
        this.#history.pin(message.position)
        this.#disputes.heardCounting()
        break
      case 'sample':
        this.#samples.heard(message)
        break
      case 'doubt':
        this.#answerDoubt(message.entry)
        break
      case 'entry':
        this.#disputes.heardEntry(message.from, message.entry, message.print)
        break
      case 'mend':
        this.#options.mend?.(message)
    }
  }

  #heard(told: Told): void {
    if (!this.#replica) return
    if (told.position > this.#history.last) this.#peers.await(told)
    else this.#compare(told)
  }

  #compareAwaited(): void {
    for (const told of this.#peers.reached(this.#history.last)) this.#compare(told)
  }

  #compare(told: Told): void {
    const { from, position, digest } = told
    const own = this.#history.at(position)
    if (own === undefined) return
    const agrees = own === digest
    this.#peers.compared(from, position, agrees)
    this.#comparisons++
    if (position >= this.#lastComparison.position)
      this.#lastComparison = { position, at: this.#ports.clock.now() }
    if (agrees && (isReplica(from) || !this.#peers.hasReplicas)) this.#believe()
    if (agrees) return
    const who = isReplica(from) ? `${from.role} ${from.name}` : `the ${from.name}`
    const what = `${who} has the digest ${digest} at position ${position}, ${this.#self.name} has ${own}`
    // Replicas that agree with each other do not leave because of a stored copy: then telling it is
    // all there is to do.
    if (from.role === 'image') this.#storedDiffers(what)
    else if (from.role !== 'store' || !this.#peers.hasReplicas || this.#storedDiffers(what))
      void this.#dispute(what, async () => {
        const verdict = await this.#disputes.overDigest(position)
        const digest = this.#history.at(position)
        return { verdict, suspect: digest === undefined ? undefined : { position, digest } }
      })
  }

  #entryDiffers(from: Teller, entry: EntryName): void {
    const state = this.#replica?.state
    if (!state) return
    const { cache, key, position } = entry
    const what = `the entry ${JSON.stringify(key)} of ${cache}, written at position ${position}, is not the same everywhere`
    const over = async () => {
      const print = () => printOf(state, entry)
      const before = print()
      const verdict = await this.#disputes.overEntry(entry, print, () =>
        loggedPrint(this.#ports.log, state, entry),
      )
      if (verdict === 'right' && from.role === 'store')
        this.#options.mend?.({ entries: [[cache, key]], caches: [], everywhere: false })
      return { verdict, suspect: { position, digest: '', entry: { ...entry, print: before ?? 0 } } }
    }
    void this.#dispute(what, over)
  }

  #answerDoubt(entry: EntryName): void {
    const state = this.#replica?.state
    const print = state && printOf(state, entry)
    if (print !== undefined) this.#channel.send({ kind: 'entry', from: this.#self, entry, print })
  }

  /**
   * One at a time. `suspect`: what this replica has, so that a copy of the same kind can be told.
   */
  async #dispute(
    what: string,
    over: () => Promise<{ readonly verdict: Verdict; readonly suspect: Suspect | undefined }>,
  ): Promise<void> {
    const { clock } = this.#ports
    const replica = this.#replica
    if (this.#disputing || clock.monotonic() < this.#restUntil) return
    this.#disputing = true
    try {
      this.#options.report('warn', `${what}; finding out who is wrong`)
      const { verdict, suspect } = await over()
      if (replica !== this.#replica) return
      if (verdict === 'wrong') this.#leave(what, suspect)
      if (verdict !== 'right') return
      this.#believe()
      this.#options.report('error', `${what}; the audit finds ${this.#self.name} right`)
    } finally {
      this.#disputing = false
      this.#restUntil = clock.monotonic() + restMs
    }
  }

  /** A replica whose digest is not that of its entries is wrong, whatever the others say. */
  async #recount(): Promise<void> {
    const replica = this.#replica
    const { clock } = this.#ports
    const now = clock.monotonic()
    if (!replica || now - this.#recountedAt < restMs) return
    this.#recountedAt = now
    const found = await recount(replica, clock)
    if (!found || replica !== this.#replica || found.counted === found.kept) return
    const { position, counted, kept } = found
    this.#leave(`its digest at position ${position} is ${kept}, its entries count to ${counted}`)
  }

  #leave(reason: string, suspect?: Suspect): void {
    this.#wrong = { reason, suspect }
    this.#divergences++
    this.rest()
    this.#options.report('error', `leaves service and rehydrates: ${reason}`)
    this.#options.diverged(new GridError('diverged', reason))
  }

  /** What took the place of a wrong replica agrees with another one. */
  #believe(): void {
    if (!this.#wrong) return
    this.#wrong = undefined
    this.#options.report('info', 'agrees with the others again')
  }

  /** Told now and then. Returns whether it was told. */
  #storedDiffers(what: string): boolean {
    const now = this.#ports.clock.monotonic()
    if (now - this.#storedToldAt < storedToldMsMin) return false
    this.#storedToldAt = now
    this.#options.report('error', `${what}; npx spacegrid audit says where they differ`)
    return true
  }
}
