import type { Space } from '@spacegrid/grid/core/definition'
import type { SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import type { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import { compareStored } from '../check/copies.ts'
import { History } from '../check/history.ts'
import type { Settings } from '../plan/settings.ts'
import { Crew, type Role, type Slot } from '../world/crew.ts'
import { World } from '../world/world.ts'
import { itemsSpace } from './items-space.ts'

const calm: Settings = {
  units: 3,
  pumps: 1,
  writers: 1,
  readers: 1,
  withImage: true,
  storeDelayMsMax: 1,
  latencyMsMax: 1,
  inOrder: true,
  appendTimeoutMs: 1000,
  logRecordBytesMax: 1024 * 1024,
  windowRecordBytesMax: 1024 * 1024,
  newerUnits: [],
  unitOptions: [],
  pumpOptions: {
    windowChangesMax: 20_000,
    takeoverMs: 1000,
    imageEntriesMax: 1000,
    auditMs: 1000,
    auditEntries: 200,
  },
  auditIntervalMs: 0,
  writerOptions: { trimDelayMs: 60_000, batchBytesMax: 4 * 1024 * 1024, takeoverMs: 2000 },
}

/**
 * The simulator's world for a test that says itself what happens, one thing after the other:
 * components start when they are told to, nothing goes wrong unless the test wants it. Time passes
 * only here.
 */
export class Scenario {
  readonly world: World
  readonly #crew: Crew

  /** @param newer the next version of the application; left out, there is one */
  constructor(
    seed: number,
    settings: Partial<Settings> = {},
    older: Space = itemsSpace,
    newer: Space = older,
  ) {
    this.world = new World(seed, older.name, { ...calm, ...settings }, true)
    const spaceOf = (version: Slot['version']) => (version === 'newer' ? newer : older)
    this.#crew = new Crew(this.world, spaceOf, new History())
  }

  /** Lines of everything that happened so far. */
  get trace(): readonly string[] {
    return this.world.trace.lines ?? []
  }

  start(role: Role, number = 0): void {
    this.#crew.start(this.#slot(role, number))
  }

  async startReady(role: Role, number = 0): Promise<void> {
    this.start(role, number)
    await this.until(() => this.readiness(role, number)?.ready === true)
  }

  /** Of a unit, from its next start on. */
  deploy(number: number, version: Slot['version']): void {
    this.#slot('unit', number).version = version
  }

  readiness(role: Role, number = 0) {
    return this.#slot(role, number).running?.component.readiness()
  }

  unit(number = 0): ProcessingUnit {
    const { unit } = this.#slot('unit', number)
    if (!unit) throw new Error(`unit ${number} does not run`)
    return unit
  }

  pump() {
    return this.#slot('pump', 0).running?.pump
  }

  /** A component's connection to the log of the space. */
  logOf(role: Role, number = 0): SimulatedLog {
    const { running } = this.#slot(role, number)
    if (!running) throw new Error(`${role} ${number} does not run`)
    return running.log.connection
  }

  crash(role: Role, number = 0): void {
    this.#slot(role, number).running?.host.crash()
  }

  crashAll(): void {
    for (const { running } of this.#crew.slots) running?.host.crash()
  }

  async execute(
    unit: number,
    command: string,
    input: unknown,
    persisted = false,
  ): Promise<unknown> {
    const acknowledge = persisted ? 'persisted' : 'committed'
    return (await this.settled(this.unit(unit).execute(command, input, { acknowledge }))).result
  }

  async settled<T>(promise: Promise<T>): Promise<T> {
    let over = false
    const end = () => {
      over = true
    }
    promise.then(end, end)
    await this.until(() => over)
    return await promise
  }

  async advance(ms: number): Promise<void> {
    await this.world.until(() => false, ms)
  }

  async until(condition: () => boolean, msMax = 120_000): Promise<void> {
    if (await this.world.until(condition, msMax)) return
    throw new Error(`not within ${msMax} ms:\n${this.trace.slice(-60).join('\n')}`)
  }

  /** What a store, when it has come as far as the log is now, has other than the log says. */
  async differencesOf(store: 'store' | 'image'): Promise<string[]> {
    const { last } = this.world.log
    const one = this.world[store]
    await this.until(() => (one.reached?.position ?? 0) >= last)
    return one.reached ? compareStored(one.reached, one.held, this.world.reference) : []
  }

  #slot(role: Role, number: number): Slot {
    const found = this.#crew.slots.find((slot) => slot.role === role && slot.number === number)
    if (!found) throw new Error(`there is no place for ${role} ${number}`)
    return found
  }
}
