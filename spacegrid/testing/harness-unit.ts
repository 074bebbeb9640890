import type { CommandsOf } from '@spacegrid/grid/core/call-types'
import type { AnyCommand, Space } from '@spacegrid/grid/core/definition'
import { GridError } from '@spacegrid/grid/core/errors'
import { hashBy, partitionOfHash } from '@spacegrid/grid/core/partition'
import { checkFits, freezeInput } from '@spacegrid/grid/core/validation'
import { checkedParts } from '@spacegrid/runtime/checked-parts'
import { AcrossCommand, type PlacedPart } from './across-command.ts'
import type { HarnessPartition } from './harness-partition.ts'
import type { StartedCommand } from './started-command.ts'
import { UnitInPartition } from './unit-in-partition.ts'

/**
 * A processing unit of a harness: executes a command when it is started, melds when it is told to.
 * Of a divided space it keeps every partition. A command whose parts are in several of them is
 * executed when it is melded, in one step.
 */
export class HarnessUnit<S extends Space = Space> {
  readonly name: string
  readonly #space: Space
  readonly #partitions: readonly HarnessPartition[]
  readonly #units: readonly UnitInPartition[]
  #across: AcrossCommand[] = []

  /** @internal */
  constructor(name: string, space: Space, partitions: readonly HarnessPartition[]) {
    this.name = name
    this.#space = space
    this.#partitions = partitions
    this.#units = partitions.map(({ surroundings }) => new UnitInPartition(name, surroundings))
  }

  get pendingCount(): number {
    const pending = this.#units.reduce((sum, { pendingCount }) => sum + pendingCount, 0)
    return pending + this.#across.length
  }

  /**
   * Executes a command over what is committed and what this unit has pending; it is melded later.
   * @throws GridError `unknown_command`, `invalid_input` when the input does not fit its schema;
   * ApplicationFault for what cannot be its parts
   */
  start<Name extends keyof CommandsOf<S> & string>(
    name: Name,
    input: CommandsOf<S>[Name]['input'],
  ): StartedCommand<CommandsOf<S>[Name]['result']> {
    const command = this.#space.commands.get(name)
    if (!command) throw new GridError('unknown_command', `No command is called ${name}`)
    if (command.partOnly)
      throw new GridError('unknown_command', `${name} is only a part of other commands`)
    checkFits(command.input, input, `command ${name}`)
    freezeInput(input, `command ${name}`)
    return this.#start(command, input) as StartedCommand<CommandsOf<S>[Name]['result']>
  }

  #start(command: AnyCommand, input: unknown): StartedCommand {
    const [{ surroundings }] = this.#partitions as [HarnessPartition]
    const asked = command.parts
      ? checkedParts(this.#space, command, input, surroundings.faults)
      : [{ command, input }]
    const parts = asked.map((part) => this.#placed(part.command, part.input))
    const [first] = parts
    if (first && parts.every(({ partition }) => partition === first.partition))
      return this.#unit(first.partition).start(command, input, first.hash)
    const across = new AcrossCommand(command, input, parts, surroundings)
    this.#across.push(across)
    return across.started
  }

  /** @throws GridError `invalid_input` for what is no id where one is declared */
  #placed(command: AnyCommand, input: unknown): PlacedPart {
    const { name, partitionBy } = command
    const count = this.#partitions.length
    if (count === 1 || !partitionBy) return { command, input, partition: 0, hash: undefined }
    const hash = hashBy(partitionBy, input as Readonly<Record<string, unknown>>, `command ${name}`)
    return { command, input, partition: partitionOfHash(hash, count), hash }
  }

  #unit(partition: number): UnitInPartition {
    return this.#units[partition] as UnitInPartition
  }

  /**
   * Executes the expiry of every committed entry whose time has come; it is melded later.
   * @throws ApplicationFault when an `onExpire` is wrong
   */
  expire(): void {
    for (const unit of this.#units) unit.expire()
  }

  /**
   * Melds what is pending as one frame, of each partition. What collides runs again on the newer
   * state and is pending again.
   */
  meld(): void {
    for (const unit of this.#units) unit.meld()
    const across = this.#across
    if (across.length === 0) return
    this.#across = []
    for (const unit of this.#units) unit.settle()
    for (const command of across) command.run((partition) => this.#unit(partition))
  }

  /** Melds until nothing is pending. */
  settle(): void {
    while (this.pendingCount > 0) this.meld()
  }
}
