import type { Entry } from '../../core/entry.ts'
import { GridError } from '../../core/errors.ts'
import { contentBytes } from '../../core/growth.ts'
import type { SpaceShape } from '../../core/shape.ts'
import type { StoredChange } from '../ports/store.ts'
import type { SnapshotChunk } from '../wire/snapshot-codec.ts'
import type { Replica } from './replica.ts'

/** Where a snapshot comes from, piece by piece. */
export interface SnapshotSource {
  /**
   * The next piece, of `entriesMax` entries and full with the one that reaches `bytesMax`, if it
   * has a say in that. Not called again after the piece with `end`.
   */
  next(entriesMax: number, bytesMax?: number): Promise<SnapshotChunk> | SnapshotChunk
  close(): void
}

/**
 * Changes that may wait to be passed on, and their bytes; a reader slower than they come has to
 * start again.
 */
const changesMax = 1_000_000
const bytesMaxDefault = 256 * 1024 * 1024

/**
 * A snapshot of a live replica, taken while it goes on melding: entries are read a piece at a time,
 * and every change that happens meanwhile is passed on too, in order and before any entry that is
 * read after it. So an entry is newer than all that was passed on before it; applied in order the
 * pieces are exact once nothing is left. architecture.md, invariant 8.
 */
export class ReplicaSnapshot implements SnapshotSource {
  readonly #replica: Pick<Replica, 'state' | 'listen'>
  /**
   * Of the cache that is being read. A Map may change meanwhile: entries removed are not visited,
   * entries added are visited last.
   */
  #entries: Iterator<Entry>
  #cache = 0
  /**
   * Changes that are being passed on, from `#passed` on, and those that have happened since that
   * began.
   */
  #passing: readonly StoredChange[] = []
  #passed = 0
  #changes: StoredChange[] = []
  /** Of the changes that wait. */
  #bytes = 0
  #shape: SpaceShape | undefined
  #failure: GridError | undefined
  readonly #stopListening: () => void

  constructor(replica: Pick<Replica, 'state' | 'listen'>, bytesMax = bytesMaxDefault) {
    this.#replica = replica
    this.#entries = replica.state.cache(0).entries.values()
    this.#stopListening = replica.listen({
      changed: ({ cache, key, value, version }) => {
        const { state } = this.#replica
        this.#changes.push({
          cache: state.layout.cache(cache).name,
          key,
          value,
          version,
          position: state.position,
        })
        this.#bytes += contentBytes(value)
        const count = this.#changes.length + this.#passing.length - this.#passed
        if (count > changesMax || this.#bytes > bytesMax)
          this.#fail(new GridError('overloaded', 'The snapshot is read too slowly'))
      },
      broken: (error) =>
        this.#fail(
          new GridError('not_ready', 'The replica under the snapshot has gone', { cause: error }),
        ),
    })
  }

  /**
   * `entriesMax`: entries and changes together; the replica does nothing else while they are read.
   * `bytesMax`: with the entry that reaches it the piece is full. Default: any number.
   * @throws GridError `overloaded` when read too slowly, `not_ready` when the replica has gone
   */
  next(entriesMax: number, bytesMax?: number): SnapshotChunk {
    if (this.#failure) throw this.#failure
    const { state } = this.#replica
    const changes: StoredChange[] = []
    let end: SnapshotChunk['end']
    let bytes = 0
    while (changes.length < entriesMax && (bytesMax === undefined || bytes < bytesMax) && !end) {
      const next = this.#nextChange() ?? this.#nextEntry()
      if (next) {
        changes.push(next)
        if (bytesMax !== undefined) bytes += contentBytes(next.value)
      } else end = { header: state.header(), digest: state.digest.toString() }
    }
    const shape = state.layout.shape === this.#shape ? undefined : state.layout.shape
    this.#shape = state.layout.shape
    return { shape, changes, end }
  }

  close(): void {
    this.#stopListening()
    this.#passing = []
    this.#changes = []
  }

  #fail(error: GridError): void {
    this.#failure = error
    this.close()
  }

  #nextChange(): StoredChange | undefined {
    if (this.#passed === this.#passing.length) {
      if (this.#changes.length === 0) return undefined
      this.#passing = this.#changes
      this.#passed = 0
      this.#changes = []
    }
    const change = this.#passing[this.#passed++]
    this.#bytes -= contentBytes(change?.value)
    return change
  }

  #nextEntry(): StoredChange | undefined {
    const { state } = this.#replica
    let next = this.#entries.next()
    while (next.done) {
      if (this.#cache === state.layout.caches.length - 1) return undefined
      this.#entries = state.cache(++this.#cache).entries.values()
      next = this.#entries.next()
    }
    const { key, value, version, position } = next.value
    return { cache: state.layout.cache(this.#cache).name, key, value, version, position }
  }
}
