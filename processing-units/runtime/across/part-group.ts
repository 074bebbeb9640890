import { refusePromise } from '@spacegrid/grid/core/callback'
import type { AnyCommand, CommandPart, Space, Transaction } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import type { Taken } from '@spacegrid/grid/core/outcomes'
import { packParts, partOfStep } from '@spacegrid/grid/core/parts'
import type { Recorder } from '@spacegrid/grid/core/recorder'
import type { AskedPart } from './part-messages.ts'

/** A recorder, as far as parts have to do with it. */
type PartRecorder = Recorder & { enterPart?(command: AnyCommand, input: unknown): void }

/**
 * The parts of a command that are in one partition: a command of its own, which runs them one after
 * the other in one transaction, and knows which of them has done what.
 */
export class PartGroup {
  readonly command: AnyCommand
  readonly #parts: readonly { readonly at: number; readonly part: CommandPart }[]
  /** Steps that were recorded when each began. */
  #begins: number[] = []

  /** @throws GridError `unknown_command` for a part that this version does not have */
  constructor(space: Space, name: string, asked: readonly AskedPart[]) {
    this.#parts = asked.map(({ at, name: part, input }) => {
      const command = space.commands.get(part)
      if (command) return { at, part: { command, input } }
      throw new GridError('unknown_command', `space ${space.name} has no command ${part}`)
    })
    const command = space.commands.get(name)
    if (!command)
      throw new GridError('unknown_command', `space ${space.name} has no command ${name}`)
    const run = (tx: Transaction) => this.#run(tx as unknown as PartRecorder)
    this.command = { ...command, parts: () => this.#parts.map(({ part }) => part), handler: run }
  }

  #run(tx: PartRecorder): unknown {
    this.#begins = []
    return packParts(
      this.#parts.map(({ part: { command, input } }) => {
        this.#begins.push(tx.steps.length)
        tx.enterPart?.(command, input)
        const returned: unknown = command.handler(tx, input)
        refusePromise(returned)
        return returned
      }),
    )
  }

  /** The part that was running when the handler has thrown. */
  get running(): number {
    return this.#parts[this.#begins.length - 1]?.at ?? 0
  }

  /** The part that a step belongs to. */
  partOf(step: number): number {
    return this.#parts[partOfStep(this.#begins, step)]?.at ?? 0
  }
}

interface Packed {
  readonly parts: readonly AskedPart[]
  readonly data: unknown
  readonly taken?: Taken | undefined
}

/** What the groups have left behind, as if the command had been one transaction. */
export function joinPacked(
  count: number,
  groups: readonly Packed[],
): { readonly data: Readonly<Record<string, unknown>>; readonly taken: Taken | undefined } {
  const data: Record<string, unknown> = { parts: count }
  let joined: Record<string, string> | undefined
  for (const { parts, data: packed, taken } of groups) {
    const renamed = (name: string) => {
      const dot = name.indexOf('.')
      const own = Number(dot < 0 ? name : name.slice(0, dot))
      return `${parts[own]?.at}${dot < 0 ? '' : name.slice(dot)}`
    }
    for (const [name, field] of Object.entries(packed as Record<string, unknown>))
      if (name !== 'parts') data[renamed(name)] = field
    for (const [name, cache] of Object.entries(taken ?? {}))
      joined = { ...joined, [renamed(name)]: cache }
  }
  return { data, taken: joined }
}
