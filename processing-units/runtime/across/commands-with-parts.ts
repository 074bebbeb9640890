import type { AnyCommand, Space } from '@spacegrid/grid/core/definition'
import { partitionOfHash } from '@spacegrid/grid/core/partition'
import { checkFits, freezeInput } from '@spacegrid/grid/core/validation'
import type { CommandAnswer, ExecuteOptions } from '@spacegrid/grid/doors/request/serving'
import { sleep, type Timer } from '@spacegrid/grid/engine/ports/clock'
import { checkedParts } from '../checked-parts.ts'
import type { FaultDesk } from '../fault-desk.ts'
import { checkIdempotencyKey, inputFingerprint } from '../idempotency.ts'
import { hashOfInput } from '../partitions/partition-of.ts'
import { AcrossPartitions, type AcrossPorts } from './across-partitions.ts'
import type { Divided } from './ballots.ts'
import { HoldCare, type HoldCareParts } from './hold-care.ts'
import type { AskedPart } from './part-messages.ts'

export interface CommandsWithPartsPorts extends AcrossPorts, HoldCareParts {
  readonly space: Space
  readonly faults: FaultDesk
  /** Runs a command whose parts are all in this partition: an ordinary transaction. */
  readonly executeAt: (
    partition: number,
    command: string,
    input: unknown,
    options: ExecuteOptions,
  ) => Promise<CommandAnswer<string>>
}

/** How often what coordinators have left behind is looked for. */
const lookMs = 500
/** What is followed up when the unit stops is waited for so long. */
const stopMsMax = 2000

/** The commands of a divided space that consist of parts, and what they leave behind. */
export class CommandsWithParts {
  readonly #ports: CommandsWithPartsPorts
  readonly #across: AcrossPartitions
  readonly #care: HoldCare
  #looking: Timer | undefined

  constructor(ports: CommandsWithPartsPorts) {
    this.#ports = ports
    this.#across = new AcrossPartitions(ports)
    this.#care = new HoldCare(ports)
  }

  start(): void {
    this.#looking = this.#ports.clock.after(lookMs, () => {
      this.#care.look()
      this.start()
    })
  }

  /** What has been begun is followed up first, for a while: then others look after it. */
  async stop(): Promise<void> {
    this.#looking?.cancel()
    const waiting = new AbortController()
    const over = sleep(this.#ports.clock, stopMsMax, waiting.signal)
    await Promise.race([this.#across.drained(), over])
    waiting.abort()
  }

  /**
   * @throws GridError as `Serving.execute`; Rejection, with those that refuse in `details.parts`
   */
  async execute(
    command: AnyCommand,
    input: unknown,
    options: ExecuteOptions,
    withinMs: number,
  ): Promise<CommandAnswer<string>> {
    const { idempotencyKey, acknowledge, caller } = options
    const divided: Divided = {
      ...this.#divide(command, input, idempotencyKey),
      caller: caller?.identity,
    }
    const [first, ...others] = divided.groups
    if (first && others.length === 0)
      return await this.#ports.executeAt(first.partition, command.name, input, options)
    return await this.#across.execute(divided, withinMs, acknowledge)
  }

  #divide(command: AnyCommand, input: unknown, key: string | undefined): Divided {
    const { space, faults } = this.#ports
    const { name } = command
    checkFits(command.input, input, name)
    freezeInput(input, name)
    if (key !== undefined) checkIdempotencyKey(key)
    const remembers = key === undefined ? undefined : { key, input: inputFingerprint(input, name) }
    const parts = checkedParts(space, command, input, faults)
    const groups = new Map<number, { partition: number; parts: AskedPart[]; keys: number[] }>()
    for (const [at, { command: part, input: given }] of parts.entries()) {
      const key = hashOfInput(part, given)
      const partition = partitionOfHash(key, space.partitions ?? 1)
      const group = groups.get(partition) ?? { partition, parts: [], keys: [] }
      groups.set(partition, group)
      group.parts.push({ at, name: part.name, input: given })
      if (!group.keys.includes(key)) group.keys.push(key)
    }
    return { command, input, count: parts.length, groups: [...groups.values()], remembers }
  }
}
