import { GridError } from '@spacegrid/grid/core/errors'
import type { Cell, CellValue } from '@spacegrid/grid/engine/ports/cell'

/** A cell in memory, as several processes have it; each of them may be cut off. */
export class SimulatedCell {
  value: CellValue | undefined
  #revision = 0

  /** As one process has it. */
  seenBy(world: { isCutOff?: boolean; losesAnswers?: boolean } = {}): Cell {
    const check = () => {
      if (world.isCutOff) throw new GridError('log_unavailable', 'cut off')
    }
    return {
      read: async () => {
        check()
        return this.value
      },
      write: async (data, replaces) => {
        check()
        if ((this.value?.revision ?? 0) !== replaces)
          throw new GridError('fenced', 'another one was there')
        this.#revision++
        this.value = { data, revision: this.#revision }
        if (world.losesAnswers) throw new GridError('log_unavailable', 'no answer')
        return this.#revision
      },
    }
  }
}
