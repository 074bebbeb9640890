import { Rejection } from '@spacegrid/grid/core/errors'
import type { Act, CallAbout, Process, StepContext } from '@spacegrid/grid/core/process'
import type { Host } from '@spacegrid/grid/kit/host'
import type { OutsideService } from '@spacegrid/proof/simulator/reacting/outside-service'
import { type CallStandIn, callName, type Simulation } from '../testing/simulation.ts'

/**
 * What stands in for everything that processes call: services that never forget, do nothing twice
 * under one id, and fail at times.
 */
export class StandInCalls {
  readonly #service: OutsideService
  readonly #calls: Readonly<Record<string, CallStandIn>>
  /** What was done, by id; undefined: it has been compensated. */
  readonly #done = new Map<string, { readonly result: unknown } | undefined>()
  readonly #undone = new Map<string, number>()

  constructor(service: OutsideService, { calls = {} }: Simulation) {
    this.#service = service
    this.#calls = calls
  }

  calm(): void {
    this.#service.calm()
  }

  /** The process as it runs in `host`, with its calls led here. */
  of(process: Process, host: Host): Process {
    return {
      ...process,
      steps: process.steps.map((step) => ({
        ...step,
        act: this.#act(step.act, (context, about) =>
          this.#run(host, callName(process.name, step.name), context, about),
        ),
        undo: step.undo && this.#act(step.undo, (_, about) => this.#undo(host, about)),
      })),
    }
  }

  #act(act: Act, run: (context: StepContext, about: CallAbout) => unknown): Act {
    return act.kind === 'call' ? { ...act, run } : act
  }

  #run(host: Host, name: string, context: StepContext, about: CallAbout): Promise<unknown> {
    return this.#service.ask(host, () => {
      const { id } = about
      const known = this.#done.get(id)
      if (known) return known.result
      // It comes behind its own compensation.
      if (this.#done.has(id)) throw new Rejection('compensated')
      const { at } = about
      const result = this.#calls[name]?.(context as never, { id, at })
      this.#done.set(id, { result })
      return result
    })
  }

  /** It does not fail for good: that would be a matter for people. */
  #undo(host: Host, { id }: CallAbout): Promise<unknown> {
    const tries = (this.#undone.get(id) ?? 0) + 1
    this.#undone.set(id, tries)
    return this.#service.ask(host, () => void this.#done.set(id, undefined), tries > 1)
  }
}
