import { GridError, isGridError } from '../../core/errors.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Memory } from '../ports/memory.ts'
import type { Messaging, Subscription } from '../ports/messaging.ts'
import type { Random } from '../ports/random.ts'
import { subjects } from '../wire/subjects.ts'
import { decodeMemoryTold, encodeMemoryTold, type MemoryTold } from './memory-message.ts'

/**
 * A process is full from the first share of its budget on, until it is below the second: deletes
 * must have made real room.
 */
export const fullShare = 0.75
export const roomShare = 0.65
/**
 * Beyond this share not even the bookkeeping of commands that delete is kept: what is left is for
 * getting out.
 */
export const criticalShare = 0.9

const lookMs = 100
const tellMs = 1000
/**
 * Who has told nothing for this long is gone. A process that is short of memory may be slow to
 * tell.
 */
const silentMsMax = 10_000
/** Those that tell something; beyond, newcomers are not noticed. */
const tellersMax = 1024
const retryAfterMs = 1000

export interface MemoryPorts {
  /** Left out: what the process holds is not measured, and it is never full. */
  readonly memory?: Memory
  readonly messaging: Messaging
  readonly clock: Clock
  readonly random: Random
}

/** What `/status` shows of a process's memory. */
export interface MemoryStatus {
  /** Bytes that live in it. */
  readonly usedBytes: number
  readonly budgetBytes: number
  /** Of those it hears, itself included: who is near the budget, so that nothing is added. */
  readonly full: readonly string[]
}

/**
 * Knows whether there is room in every process that works for a space: each looks at its own memory
 * ten times a second, tells the others how full it is every second and whenever that decides
 * something else, and hears them. Every replica holds all of a space, so the fullest one decides
 * for all; but not one that only answers queries, which leaves service by itself and keeps nobody
 * from writing. Docs: decisions/0018, 0054.
 */
export class MemoryWatch {
  readonly #space: string
  readonly #self: Pick<MemoryTold, 'id' | 'name' | 'role'>
  readonly #ports: MemoryPorts
  readonly #decides: boolean
  readonly #others = new Map<number, { readonly told: MemoryTold; readonly heardAt: number }>()
  #subscription: Subscription | undefined
  #timer: Timer | undefined
  #toldAt = Number.NEGATIVE_INFINITY
  #share = 0
  #isFull = false
  /** The fullest of those that are full. */
  #fullest: MemoryTold | undefined

  /** @param decides false: that this process is full is no reason to refuse a command elsewhere */
  constructor(space: string, name: string, role: string, ports: MemoryPorts, decides = true) {
    this.#space = space
    this.#decides = decides
    this.#self = { id: ports.random.integer(), name, role }
    this.#ports = ports
  }

  start(): void {
    const { messaging, clock } = this.#ports
    this.#subscription = messaging.subscribe(subjects.memory(this.#space), ({ data }) => {
      const told = decodeMemoryTold(data)
      if (!told || told.id === this.#self.id) return
      if (!this.#others.has(told.id) && this.#others.size >= tellersMax) return
      this.#others.set(told.id, { told, heardAt: clock.monotonic() })
      this.#judge()
    })
    this.#look()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#subscription?.stop()
  }

  /**
   * The fullest process of those that are near their budget; undefined: there is room everywhere.
   */
  get fullest(): MemoryTold | undefined {
    return this.#fullest
  }

  /** This process is near its budget. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** This process has hardly any memory left. */
  get isCritical(): boolean {
    return this.#share >= criticalShare
  }

  /** undefined when the process's memory is not measured. */
  status(): MemoryStatus | undefined {
    const { memory } = this.#ports
    if (!memory) return undefined
    return {
      usedBytes: Math.round(this.#share * memory.budgetBytes),
      budgetBytes: memory.budgetBytes,
      full: this.#allFull().map(({ role, name }) => `${role} ${name}`),
    }
  }

  #look(): void {
    const { memory, clock } = this.#ports
    const now = clock.monotonic()
    for (const [id, { heardAt }] of this.#others)
      if (now - heardAt > silentMsMax) this.#others.delete(id)
    const before = this.#isFull
    if (memory) {
      this.#share = memory.usedBytes() / memory.budgetBytes
      this.#isFull = this.#share >= (before ? roomShare : fullShare)
    }
    this.#judge()
    const isNews = before !== this.#isFull || now - this.#toldAt >= tellMs
    if (memory && isNews) this.#tell(now)
    this.#timer = clock.after(memory ? lookMs : tellMs, () => this.#look())
  }

  #tell(now: number): void {
    this.#toldAt = now
    // That it works for the space is told by whoever does.
    const told = { ...this.#self, share: this.#share, full: this.#isFull && this.#decides }
    try {
      this.#ports.messaging.publish(subjects.memory(this.#space), encodeMemoryTold(told))
    } catch (error) {
      // Not connected just now: it is told again within a second.
      if (!isGridError(error)) throw error
    }
  }

  #judge(): void {
    let fullest: MemoryTold | undefined
    for (const told of this.#allFull()) if (!fullest || told.share > fullest.share) fullest = told
    this.#fullest = fullest
  }

  #allFull(): MemoryTold[] {
    const full = [...this.#others.values()].map(({ told }) => told).filter((told) => told.full)
    if (this.#isFull) full.push({ ...this.#self, share: this.#share, full: true })
    return full
  }
}

/** What a command that would add is refused with. */
export function memoryFull({ name, role, share }: MemoryTold): GridError {
  const percent = Math.round(share * 100)
  return new GridError(
    'memory_full',
    `The memory of ${role} ${name} is full (${percent} % of its budget): nothing can be added until something is deleted`,
    { retryAfterMs, details: { name, role, share } },
  )
}
