import type { Database, RootDatabase } from 'lmdb'
import { GridError } from '../../core/errors.ts'
import type { LogName } from '../../core/log-name.ts'
import { partitionsMax } from '../../core/partition.ts'
import { type PartitionCount, partitionsText } from '../../core/repartition.ts'
import type { Checkpoint } from '../../engine/ports/store.ts'
import {
  checkedBytes,
  checkedCount,
  checkedList,
  checkedObject,
  checkedText,
} from '../../engine/wire/checked.ts'
import { decodeCheckpoint, opened } from '../../engine/wire/entry-codec.ts'
import type { EmbeddedEnvironment } from './embedded-environment.ts'

/** One for each log: those of a space with the most partitions that may be, and others. */
const databasesMax = partitionsMax + 64

/** What is left to do of a move of a space to another number of partitions. */
export interface EmbeddedMoveNote {
  readonly from: number
  readonly to: number
  /** The new logs go on behind this position. */
  readonly after: number
  /** Of the new checkpoints: all of them have the same. */
  readonly replicated: Uint8Array
  /** What is in each partition by now. */
  readonly counts: readonly PartitionCount[]
}

/** @throws GridError `record_damaged`, `format_unsupported` */
function decodeMoveNote(bytes: Uint8Array): EmbeddedMoveNote {
  const { from, to, after, replicated, counts } = checkedObject(opened(bytes))
  return {
    ...{ from: checkedCount(from), to: checkedCount(to), after: checkedCount(after) },
    replicated: checkedBytes(replicated),
    counts: checkedList(counts).map((item) => {
      const { entries, digest } = checkedObject(item)
      return { entries: checkedCount(entries), digest: checkedText(digest) }
    }),
  }
}

/**
 * What is in the LMDB file of a store: a database of checkpoints, for each log one of entries, and
 * the notes of moves that have not come to their end.
 */
export class StoreFile {
  readonly root: RootDatabase<unknown, string>
  /** LMDB's version of a checkpoint is its position: what `apply` is conditional on. */
  readonly checkpoints: Database<Buffer, string>
  /** By name of the space. */
  readonly moves: Database<Buffer, string>
  readonly #entries = new Map<string, Database<Buffer, Buffer>>()

  /** @throws GridError `configuration_invalid`, `format_unsupported` */
  constructor(environment: EmbeddedEnvironment, name: string) {
    this.root = environment.open(name, databasesMax)
    this.checkpoints = this.root.openDB('checkpoints', { encoding: 'binary', useVersions: true })
    this.moves = this.root.openDB('moves', { encoding: 'binary' })
  }

  /** Opened when a log is first touched; creates the database if there is none. */
  entriesOf(logName: LogName): Database<Buffer, Buffer> {
    let entries = this.#entries.get(logName)
    if (!entries) {
      entries = this.root.openDB<Buffer, Buffer>(`entries:${logName}`, {
        encoding: 'binary',
        keyEncoding: 'binary',
      })
      this.#entries.set(logName, entries)
    }
    return entries
  }

  /** @throws GridError `record_damaged` */
  checkpointOf(logName: LogName): Checkpoint | undefined {
    const stored = this.checkpoints.getEntry(logName)
    return stored && decodeCheckpoint(stored.value, stored.version ?? 0)
  }

  moveOf(space: string): EmbeddedMoveNote | undefined {
    const note = this.moves.get(space)
    return note && decodeMoveNote(note)
  }

  /** @throws GridError `configuration_invalid`: what is here is not to be begun with */
  refuseWhileMoving(): void {
    for (const space of this.moves.getKeys()) {
      const { to } = this.moveOf(space) as EmbeddedMoveNote
      throw new GridError(
        'configuration_invalid',
        `${space} is being moved to ${partitionsText(to)}: npx spacegrid repartition --partitions ${to} brings that to its end`,
      )
    }
  }
}
