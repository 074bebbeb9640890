import type { Space } from '@spacegrid/grid/core/definition'
import { definitionNotes } from '@spacegrid/grid/core/definition-notes'
import type { GridError } from '@spacegrid/grid/core/errors'
import type { SpaceShape } from '@spacegrid/grid/core/shape'
import type { Report } from '@spacegrid/grid/engine/life/role-event'

/**
 * Tells each thing about the definition in the log once, through all lives of a unit: who reads its
 * log should see at once whether its version can follow, and what others have declared.
 */
export class DefinitionTeller {
  readonly #space: Space
  readonly #report: Report
  #refused: string | undefined
  #shape: SpaceShape | undefined
  readonly #notes = new Set<string>()

  constructor(space: Space, report: Report) {
    this.#space = space
    this.#report = report
  }

  /** The version does not fit to what is there. */
  refused(conflict: GridError): void {
    const message = `${conflict.message}. It does not serve, and writes nothing: deploy a version that fits (spacegrid check tells)`
    if (message !== this.#refused) this.#report({ kind: 'definition', level: 'error', message })
    this.#refused = message
  }

  /** It fits to this definition. */
  follows(shape: SpaceShape): void {
    this.#refused = undefined
    if (shape === this.#shape) return
    this.#shape = shape
    for (const { level, message } of definitionNotes(this.#space, shape)) {
      if (this.#notes.has(message)) continue
      this.#notes.add(message)
      this.#report({ kind: 'definition', level, message })
    }
  }
}
