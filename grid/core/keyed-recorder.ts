import type { Value } from './data-types.ts'
import type { AnyCommand } from './definition.ts'
import { hashOfFields, idWithHash, type PartitionBy, type PartitionScalar } from './partition.ts'
import { Recorder, type RecorderOptions } from './recorder.ts'
import type { View } from './view.ts'

export interface KeyedRecorderOptions extends RecorderOptions {
  /** What says where a command, or an entry, would be; undefined: nothing does. */
  readonly partitionBy: PartitionBy | undefined
  /** Of the command or the entry; it has been checked against its schema. */
  readonly value: unknown
}

/**
 * Records what a handler does in a space with one partition that could be divided: ids carry the
 * partition key as they would there, so that they name their partition should the space be moved to
 * several. Nothing is worked out before an id is asked for.
 */
export class KeyedRecorder extends Recorder {
  #partitionBy: PartitionBy | undefined
  #value: unknown

  constructor(view: View, options: KeyedRecorderOptions) {
    super(view, options)
    this.#partitionBy = options.partitionBy
    this.#value = options.value
  }

  override enterPart(command: AnyCommand, input: unknown): void {
    super.enterPart(command, input)
    this.#partitionBy = command.partitionBy
    this.#value = input
  }

  override newId(): string {
    const id = super.newId()
    const hash = this.#partitionBy && keyHash(this.#partitionBy, this.#value as Value)
    return hash === undefined ? id : idWithHash(id, hash)
  }
}

/** undefined: it holds an id that was made before ids carried a key. */
const keyHash = (partitionBy: PartitionBy, value: Value): number | undefined =>
  hashOfFields(
    partitionBy,
    partitionBy.fields.map((field) => value[field] as PartitionScalar),
  )
