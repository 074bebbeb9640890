import type { Driver, UnitAction } from '@spacegrid/console/control'
import { GridError } from '@spacegrid/grid/core/errors'
import type { DriverTold, DriverWish } from './driver-messages.ts'

type Open = { resolve: (unit: string) => void; reject: (error: Error) => void }

/** The cluster that has started this process, as a driver: it does what is asked of it. */
export class ParentDriver implements Driver {
  readonly about =
    'Every unit is a process of this machine: add one, stop it in good order, or kill it as a power cut would.'
  #units: Readonly<Record<string, readonly UnitAction[]>> = {}
  #add: true | string = 'the cluster has not said yet'
  #asked = 0
  readonly #open = new Map<number, Open>()

  constructor() {
    process.on('message', (message: DriverTold) => this.#hear(message))
  }

  get add(): true | string {
    return this.#add
  }

  units(): Readonly<Record<string, readonly UnitAction[]>> {
    return this.#units
  }

  addUnit(): Promise<string> {
    return this.#ask({ asked: 'add' })
  }

  async act(unit: string, action: UnitAction): Promise<void> {
    await this.#ask({ asked: 'act', unit, action })
  }

  async #ask(wish: DriverWish): Promise<string> {
    const id = ++this.#asked
    return await new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject })
      process.send?.({ ...wish, id })
    })
  }

  #hear(message: DriverTold): void {
    if (message.told === 'units') {
      this.#units = message.units
      this.#add = message.add
      return
    }
    const open = this.#open.get(message.id)
    this.#open.delete(message.id)
    if (message.told === 'done') open?.resolve(message.unit)
    else open?.reject(new GridError('rejected', message.why))
  }
}
