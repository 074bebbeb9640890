import type { CommandContext } from '@spacegrid/grid/core/access'
import type { AnyCommand, CommandPart, Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import type { Taken } from '@spacegrid/grid/core/outcomes'
import { partOfStep, runEachPart } from '@spacegrid/grid/core/parts'
import type { Transaction } from '@spacegrid/grid/core/transaction'
import type { AskedPart } from './part-messages.ts'

/**
 * The parts of a command that are in one partition: a command of its own, which runs them one after
 * the other in one transaction.
 */
export class PartGroup {
  readonly command: AnyCommand
  /** The place of each among all parts of the command. */
  readonly #places: readonly number[]

  /** @throws GridError `unknown_command` for a part that this version does not have */
  constructor(space: Space, name: string, asked: readonly AskedPart[]) {
    const named = (wanted: string): AnyCommand => {
      const command = space.commands.get(wanted)
      if (command) return command
      throw new GridError('unknown_command', `space ${space.name} has no command ${wanted}`)
    }
    this.#places = asked.map(({ at }) => at)
    const parts = asked.map(
      ({ name: part, input }): CommandPart => ({ command: named(part), input }),
    )
    const handler = (tx: Transaction, _input: unknown, context: CommandContext) =>
      runEachPart(tx, parts, context)
    this.command = { ...named(name), parts: () => parts, handler }
  }

  /**
   * The part, among all of the command, that a step belongs to.
   * @param begins where the steps of each part begin
   * @param step undefined: the one that was running last
   */
  partOf(begins: readonly number[] = [], step?: number): number {
    const own = step === undefined ? begins.length - 1 : partOfStep(begins, step)
    return this.#places[own] ?? 0
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
