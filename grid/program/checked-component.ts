import type { Readiness } from '../engine/life/readiness.ts'
import type { Component, ComponentStatus } from './component.ts'

/**
 * A component that was told how many partitions its space has, and is not ready when the definition
 * in the log says another number: then there are logs that nobody works for, or that nobody writes.
 */
export class CheckedComponent implements Component {
  readonly #component: Component
  readonly #told: number
  readonly yield?: () => void

  constructor(component: Component, told: number) {
    this.#component = component
    this.#told = told
    if (component.yield) this.yield = () => component.yield?.()
  }

  start(): void {
    this.#component.start()
  }

  stop(): Promise<void> {
    return this.#component.stop()
  }

  readiness(): Readiness {
    const { partitions } = this.#component
    if (partitions === undefined || partitions === this.#told) return this.#component.readiness()
    const reason = `the definition in the log says that the space has ${counted(partitions)}, SPACES says ${this.#told}`
    return { ready: false, reason }
  }

  status(): ComponentStatus {
    return this.#component.status()
  }
}

const counted = (partitions: number): string =>
  partitions === 1 ? '1 partition' : `${partitions} partitions`
