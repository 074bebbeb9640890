import { answerOf, refusePromise } from '@spacegrid/grid/core/callback'
import type { AnyCommand, CommandPart } from '@spacegrid/grid/core/definition'
import { type GridError, Rejection } from '@spacegrid/grid/core/errors'
import {
  packParts,
  type RefusedPart,
  refusalOfParts,
  runParts,
  unpackParts,
} from '@spacegrid/grid/core/parts'
import { StartedCommand } from './started-command.ts'
import { type Surroundings, type UnitInPartition, workOf } from './unit-in-partition.ts'

/** A part of a command, and where it belongs. */
export interface PlacedPart extends CommandPart {
  readonly partition: number
  /** Of its partition key. */
  readonly hash: number | undefined
}

/**
 * A command whose parts are in several partitions. Nothing comes between them here: what each would
 * do is found out over what is committed, and when none is refused all of it is melded.
 */
export class AcrossCommand {
  readonly started: StartedCommand
  readonly #command: AnyCommand
  readonly #input: unknown
  readonly #parts: readonly PlacedPart[]
  readonly #surroundings: Surroundings

  constructor(
    command: AnyCommand,
    input: unknown,
    parts: readonly PlacedPart[],
    surroundings: Surroundings,
  ) {
    this.#command = command
    this.#input = input
    this.#parts = parts
    this.#surroundings = surroundings
    this.started = new StartedCommand(workOf(command, input, undefined, surroundings.version))
  }

  run(unitOf: (partition: number) => UnitInPartition): void {
    const prepared = [...Map.groupBy(this.#parts, ({ partition }) => partition)].map(
      ([partition, parts]) => ({ unit: unitOf(partition), parts, started: this.#startedOf(parts) }),
    )
    const melds: (() => void)[] = []
    for (const { unit, started, parts } of prepared) {
      const meld = unit.prepare(started)
      if (started.failure) {
        this.started.fail(this.#placed(started.failure, parts))
        return
      }
      if (!meld) throw new Error('a part that is not refused can be melded')
      melds.push(meld)
    }
    for (const meld of melds) meld()
    const data = new Map<PlacedPart, unknown>()
    for (const { parts, started } of prepared)
      for (const [at, one] of unpackParts(started.result()).entries())
        data.set(parts[at] as PlacedPart, one)
    this.#answer(this.#parts.map((part) => data.get(part)))
  }

  /** A part that refuses is told by its place among all of them. */
  #placed(failure: GridError, parts: readonly PlacedPart[]): GridError {
    const refused = failure instanceof Rejection ? failure.details.parts : undefined
    if (!Array.isArray(refused)) return failure
    return refusalOfParts(
      (refused as readonly RefusedPart[]).map((one) => ({
        ...one,
        part: this.#parts.indexOf(parts[one.part] as PlacedPart),
      })),
    )
  }

  /** Those of one partition are one transaction, and what they leave behind its result. */
  #startedOf(parts: readonly PlacedPart[]): StartedCommand {
    const { version } = this.#surroundings
    const command: AnyCommand = {
      ...this.#command,
      parts: () => parts,
      handler: runParts(() => command),
    }
    const work = workOf(command, this.#input, parts[0]?.hash, version)
    const callback = { ...work.callback, declared: this.#command }
    const answer = (data: unknown, taken: Parameters<typeof work.answer>[1]) =>
      version.readTaken(data, taken)
    return new StartedCommand({ ...work, callback, answering: callback, answer })
  }

  #answer(data: readonly unknown[]): void {
    const { faults, version } = this.#surroundings
    const command = this.#command
    try {
      const result = answerOf(command, packParts(data), false, version, this.#input)
      refusePromise(result)
      this.started.succeed(result)
    } catch (thrown) {
      const kind = command.answer ? 'answer' : 'command'
      this.started.fail(faults.judge({ kind, name: command.name, declared: command }, thrown))
    }
  }
}
