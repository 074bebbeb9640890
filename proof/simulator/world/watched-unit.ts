import type { Space } from '@spacegrid/grid/core/definition'
import type { CommandAnswer, ExecuteOptions } from '@spacegrid/grid/doors/request/serving'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'
import type { ProcessingUnitOptions } from '@spacegrid/runtime/processing-unit-options'
import type { UnitPorts } from '@spacegrid/runtime/unit-ports'
import type { History } from '../check/history.ts'

/**
 * A unit that tells the history whose command it runs: of one that was passed on, the input is
 * another object than the client's.
 */
export class WatchedUnit extends ProcessingUnit {
  readonly #history: History

  constructor(
    name: string,
    space: Space,
    ports: UnitPorts,
    options: ProcessingUnitOptions,
    history: History,
  ) {
    super(name, space, ports, options)
    this.#history = history
  }

  override executeHere(
    name: string,
    input: unknown,
    options: ExecuteOptions = {},
  ): Promise<CommandAnswer<number>> {
    this.#history.arrived(input, options.caller?.name)
    return super.executeHere(name, input, options)
  }
}
