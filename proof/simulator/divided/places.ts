import type { SpaceState } from '@spacegrid/grid/core/space-state'
import type { RoleEvent } from '@spacegrid/grid/engine/life/role-event'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { compareReplica } from '../check/copies.ts'
import type { Reference } from '../check/reference.ts'
import type { Connected, DividedWorld } from './world.ts'

/** A place for a process: it holds one after the other. */
export class Slot<Running extends Connected> {
  readonly number: number
  running: Running | undefined

  constructor(number: number) {
    this.number = number
  }

  get name(): string {
    return `unit-${this.number}`
  }
}

/** Longest time that a process takes to stop. */
const stopMsMax = 12_000

/**
 * Processes in a divided world: starts them and lets them die. What is in one says whoever extends
 * it.
 */
export abstract class Places<Running extends Connected> {
  readonly slots: Slot<Running>[]
  protected readonly world: DividedWorld

  constructor(world: DividedWorld) {
    this.world = world
    this.slots = Array.from({ length: world.settings.units }, (_, number) => new Slot(number))
  }

  /** A process with all that is in it; nothing of that has begun. */
  protected abstract make(slot: Slot<Running>, connected: Connected, messaging: Messaging): Running

  protected abstract begin(slot: Slot<Running>, running: Running, messaging: Messaging): void

  /** Gracefully. */
  protected abstract stop(running: Running): Promise<unknown>

  get running(): readonly Running[] {
    return this.slots.flatMap(({ running }) => running ?? [])
  }

  startMissing(): void {
    for (const slot of this.slots) this.start(slot)
  }

  /** One more than before. */
  join(): void {
    const slot = new Slot<Running>(this.slots.length)
    this.slots.push(slot)
    this.start(slot)
  }

  start(slot: Slot<Running>): void {
    if (slot.running) return
    const connected = this.world.connect(slot.name)
    const { host } = connected
    const messaging = this.world.network.connect(host)
    const running = this.make(slot, connected, messaging)
    slot.running = running
    this.world.trace.note(`${slot.name} starts`)
    host.whenGone(() => {
      if (slot.running === running) slot.running = undefined
      this.world.trace.note(`${slot.name} is gone`)
    })
    this.begin(slot, running, messaging)
  }

  /** Gracefully; it is gone when it has finished, or dies a while later. */
  leave(slot: Slot<Running>): void {
    const { running } = slot
    if (!running) return
    slot.running = undefined
    const { host } = running
    host.deliver(() => void this.stop(running).then(() => host.crash()))
    this.world.clock.after(stopMsMax, () => host.crash())
  }

  /** architecture.md, invariants 1, 8 and 9. */
  protected compare(what: string, log: number, state: SpaceState): void {
    const reference = this.world.references[log] as Reference
    for (const problem of compareReplica(state, reference))
      this.world.fail('replica', `${what}: ${problem}`)
    this.world.coverage.count('replicas compared in full')
  }

  protected reported({ name }: Slot<Running>, of: string, event: RoleEvent): void {
    const { kind, level, message, error } = event
    this.world.trace.note(`${name} ${of} ${level}: ${message}`)
    this.world.coverage.count(`units: ${kind}`)
    if (level === 'error')
      this.world.fail('failure', `${name} ${of}: ${message} ${error?.stack ?? ''}`)
    // Nothing here damages a replica, so none may ever be suspected.
    if (kind === 'audit' && level !== 'info') this.world.fail('audit', `${name}: ${message}`)
  }
}
