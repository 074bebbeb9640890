import { isReplica, type Teller } from './audit-message.ts'
import type { PeerStatus } from './audit-status.ts'

/** Who has not told anything for this long is gone. */
const silentMsMax = 10_000
/** Those that told something; beyond, newcomers are not noticed. */
const peersMax = 1024
/**
 * Digests of positions this replica has not reached yet, of each peer: the oldest are reached
 * first.
 */
const awaitedMax = 4

export interface Told {
  readonly from: Teller
  readonly position: number
  readonly digest: string
}

interface Peer {
  readonly from: Teller
  heardAt: number
  agrees: boolean | undefined
  position: number
  awaited: Told[]
}

/** Those that a replica compares itself with, what they told, and how it compared. Bounded. */
export class PeerTable {
  readonly #peers = new Map<number, Peer>()
  /** The lowest position that is awaited: before it there is nothing to do. */
  #nextAwaited = Number.POSITIVE_INFINITY

  get nextAwaited(): number {
    return this.#nextAwaited
  }

  heard(from: Teller, now: number): void {
    const peer = this.#peers.get(from.id)
    if (peer) peer.heardAt = now
    else if (this.#peers.size < peersMax)
      this.#peers.set(from.id, {
        from,
        heardAt: now,
        agrees: undefined,
        position: 0,
        awaited: [],
      })
  }

  compared({ id }: Teller, position: number, agrees: boolean): void {
    const peer = this.#peers.get(id)
    if (!peer || position < peer.position) return
    peer.agrees = agrees
    peer.position = position
  }

  /** This replica will get there. */
  await(told: Told): void {
    const peer = this.#peers.get(told.from.id)
    if (!peer || peer.awaited.length >= awaitedMax) return
    peer.awaited.push(told)
    this.#nextAwaited = Math.min(this.#nextAwaited, told.position)
  }

  /** What was awaited up to a position. */
  reached(position: number): Told[] {
    const due: Told[] = []
    let next = Number.POSITIVE_INFINITY
    for (const peer of this.#peers.values()) {
      if (peer.awaited.length === 0) continue
      due.push(...peer.awaited.filter((told) => told.position <= position))
      peer.awaited = peer.awaited.filter((told) => told.position > position)
      for (const told of peer.awaited) next = Math.min(next, told.position)
    }
    this.#nextAwaited = next
    return due
  }

  forgetSilent(now: number): void {
    for (const [id, { heardAt }] of this.#peers)
      if (now - heardAt > silentMsMax) this.#peers.delete(id)
  }

  /** A new life: comparisons of the former state say nothing of this one. */
  reset(): void {
    this.#nextAwaited = Number.POSITIVE_INFINITY
    for (const peer of this.#peers.values())
      Object.assign(peer, { agrees: undefined, position: 0, awaited: [] })
  }

  get hasReplicas(): boolean {
    for (const { from } of this.#peers.values()) if (isReplica(from)) return true
    return false
  }

  /**
   * Whether of all replicas this is the first: a pump before a unit, then that of the lowest id.
   */
  isFirst(self: Teller): boolean {
    for (const { from } of this.#peers.values()) {
      if (!isReplica(from)) continue
      if (from.role !== self.role ? from.role === 'pump' : from.id < self.id) return false
    }
    return true
  }

  get differing(): number {
    let count = 0
    for (const { agrees } of this.#peers.values()) if (agrees === false) count++
    return count
  }

  list(): PeerStatus[] {
    return [...this.#peers.values()].map(({ from: { name, role }, agrees, position }) => ({
      name,
      role,
      agrees,
      position,
    }))
  }
}
