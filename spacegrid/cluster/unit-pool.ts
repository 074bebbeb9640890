import {
  type ClusterAnswer,
  isClusterRequest,
} from '@spacegrid/deployment-manager/drivers/cluster-messages'
import type { Deployed } from '@spacegrid/deployment-manager/drivers/driver'
import { GridError } from '@spacegrid/grid/core/errors'
import type { ComponentProcess } from './component-process.ts'

/** A unit as a pool has to do with it. */
export type PooledUnit = Pick<
  ComponentProcess,
  'pid' | 'ended' | 'gone' | 'ready' | 'stop' | 'isWarm' | 'callUp'
> & {
  readonly settings: Pick<ComponentProcess['settings'], 'name' | 'logFile'>
}

export interface UnitPoolOptions<Unit extends PooledUnit> {
  readonly units: readonly Unit[]
  /** Starts one more, under the lowest number that is free. */
  readonly add: () => Promise<Unit>
  /** Units that are to stand by warm. */
  readonly spares: number
  /** Starts one that stands by. */
  readonly addSpare: () => Promise<Unit>
  /** It is there no more. */
  readonly remove: (unit: Unit) => void
  readonly say: (line: string) => void
}

/** What is not ready within this time will hardly ever be. */
const readyMsMax = 60_000

/**
 * The units of a cluster that grows and shrinks: as many as whoever scales it has asked for, last
 * of all and with the highest term. They are children of this process, so none outlives it, and
 * nobody else starts any: to be asked twice starts none twice. One that ends by itself is missing
 * until more are asked for.
 */
export class UnitPool<Unit extends PooledUnit = ComponentProcess> {
  readonly #options: UnitPoolOptions<Unit>
  readonly #ready = new Set<Unit>()
  /** Those that are there to stay, in the order in which they have come. */
  readonly #units: Unit[] = []
  /** Those that stand by, or are about to. */
  readonly #spares: Unit[] = []
  #sparesStarting = 0
  #wanted: number
  #term = 0
  #starting = 0
  #isClosed = false

  constructor(options: UnitPoolOptions<Unit>) {
    this.#options = options
    this.#wanted = options.units.length
    // They are ready: a cluster begins to change when all of it is there.
    for (const unit of options.units) {
      this.#ready.add(unit)
      this.#take(unit)
    }
    this.fillUp()
  }

  look(): Deployed {
    const ready = this.#units.filter((unit) => this.#ready.has(unit)).length
    const starting = this.#units.length - ready + this.#starting
    const spares = this.#spares.filter(({ isWarm }) => isWarm).length
    return { wanted: this.#wanted, ready, starting, spares }
  }

  /** @throws GridError `fenced` when somebody with a higher term has decided before */
  scale(units: number, term: number): void {
    if (term < this.#term)
      throw new GridError('fenced', `term ${term} is over: ${this.#term} has decided since`)
    this.#term = term
    this.#wanted = units
    if (this.#isClosed) return
    for (let there = this.#units.length + this.#starting; there < units; there++)
      if (!this.#callUp()) void this.#start()
    // The last one that came has the least to lose.
    for (const unit of this.#units.splice(units)) this.#end(unit)
    this.fillUp()
  }

  /** Starts the spares that are missing: at the beginning, and when some were called up. */
  fillUp(): void {
    const { spares } = this.#options
    if (this.#isClosed) return
    for (let there = this.#spares.length + this.#sparesStarting; there < spares; there++)
      void this.#startSpare()
  }

  /** Answers a message of whoever scales the cluster; undefined: that is no question. */
  answer(message: unknown): ClusterAnswer | undefined {
    if (!isClusterRequest(message)) return undefined
    const { id, scaling, units = 0, term = 0 } = message
    try {
      if (scaling === 'scale') this.scale(units, term)
      return { scaling: 'answer', id, deployed: this.look() }
    } catch (error) {
      if (!(error instanceof GridError)) throw error
      const isFenced = error.code === 'fenced'
      return { scaling: 'answer', id, refused: error.message, isFenced }
    }
  }

  /** No more are started or stopped by anybody: the cluster ends. */
  close(): void {
    this.#isClosed = true
  }

  async #start(): Promise<void> {
    this.#starting++
    const unit = await this.#made(this.#options.add)
    this.#starting--
    if (!unit) return
    this.#take(unit)
    await this.#serve(unit)
  }

  /** One that is warm has little left to do. false: there is none. */
  #callUp(): boolean {
    const at = this.#spares.findIndex(({ isWarm }) => isWarm)
    const [unit] = at < 0 ? [] : this.#spares.splice(at, 1)
    if (!unit) return false
    unit.callUp()
    this.#units.push(unit)
    void this.#serve(unit)
    return true
  }

  async #startSpare(): Promise<void> {
    this.#sparesStarting++
    const unit = await this.#made(this.#options.addSpare)
    this.#sparesStarting--
    if (!unit) return
    this.#spares.push(unit)
    void unit.gone.then(() => {
      const at = this.#spares.indexOf(unit)
      if (at < 0) this.#lost(unit)
      else {
        // Made anew with the next decision: not at once, and again and again.
        this.#spares.splice(at, 1)
        this.#options.remove(unit)
      }
    })
  }

  /** undefined: it could not be started, which is told; whoever scales asks again. */
  async #made(add: () => Promise<Unit>): Promise<Unit | undefined> {
    try {
      return await add()
    } catch (error) {
      this.#options.say(`a unit cannot be started: ${(error as Error).message}`)
      return undefined
    }
  }

  async #serve(unit: Unit): Promise<void> {
    if (this.#isClosed || this.#units.length > this.#wanted) {
      this.#units.splice(this.#units.indexOf(unit), 1)
      this.#end(unit)
      return
    }
    const { name } = unit.settings
    try {
      await unit.ready(readyMsMax)
      this.#ready.add(unit)
      if (this.#units.includes(unit)) this.#options.say(`${name} (${unit.pid}) serves`)
    } catch (error) {
      if (!this.#units.includes(unit)) return
      this.#options.say(error instanceof Error ? error.message : String(error))
      this.#drop(unit)
      // It may still be on its way, and nobody waits for it any more.
      void unit.stop().then(() => this.#options.remove(unit))
    }
  }

  #take(unit: Unit): void {
    this.#units.push(unit)
    void unit.gone.then(() => this.#lost(unit))
  }

  #lost(unit: Unit): void {
    const { name, logFile } = unit.settings
    if (this.#units.includes(unit) && this.#ready.has(unit))
      this.#options.say(`${name} (${unit.pid}) ended: ${unit.ended}; its log: ${logFile}`)
    this.#drop(unit)
  }

  #drop(unit: Unit): void {
    const at = this.#units.indexOf(unit)
    if (at < 0) return
    this.#units.splice(at, 1)
    this.#ready.delete(unit)
    if (unit.ended !== undefined) this.#options.remove(unit)
  }

  #end(unit: Unit): void {
    this.#ready.delete(unit)
    void unit.stop().then(() => {
      this.#options.remove(unit)
      this.#options.say(`${unit.settings.name} (${unit.pid}) was taken away`)
    })
  }
}
