import { GridError } from '../errors.ts'
import type { StoredChange } from '../ports/store.ts'
import type { SnapshotChunk } from '../records/snapshot-codec.ts'
import type { Entry } from '../space/entry.ts'
import type { SpaceShape } from '../space/shape.ts'
import type { Replica } from './replica.ts'

/** Where a snapshot comes from, piece by piece. */
export interface SnapshotSource {
  /** The next piece, of roughly `entriesMax` entries. Not called again after the piece with `end`. */
  next(entriesMax: number): Promise<SnapshotChunk> | SnapshotChunk
  close(): void
}

/** Changes that may pile up between two pieces; a reader slower than that has to start again. */
const changesMax = 1_000_000

/**
 * A snapshot of a live replica, taken while it goes on melding: entries are read a piece at a time, and every change that happens
 * meanwhile is passed on too, in order. An entry is newer than, or as old as, the piece it is in; applied in order the pieces are exact
 * at the end. architecture.md, invariant 8.
 */
export class ReplicaSnapshot implements SnapshotSource {
  readonly #replica: Replica
  readonly #scan: Iterator<[cache: string, entry: Entry]>
  #changes: StoredChange[] = []
  #shape: SpaceShape | undefined
  #failure: GridError | undefined
  readonly #stopListening: () => void

  constructor(replica: Replica) {
    this.#replica = replica
    this.#scan = this.#entries()
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
        if (this.#changes.length > changesMax)
          this.#fail(new GridError('overloaded', 'The snapshot is read too slowly'))
      },
      broken: (error) =>
        this.#fail(
          new GridError('not_ready', 'The replica under the snapshot has gone', { cause: error }),
        ),
    })
  }

  /** @throws GridError `overloaded` when read too slowly, `not_ready` when the replica has gone */
  next(entriesMax: number): SnapshotChunk {
    if (this.#failure) throw this.#failure
    const { state } = this.#replica
    const changes = this.#changes
    this.#changes = []
    let finished = false
    for (let count = 0; count < entriesMax; count++) {
      const { done, value } = this.#scan.next()
      if (done) {
        finished = true
        break
      }
      const [cache, { key, value: fields, version, position }] = value
      changes.push({ cache, key, value: fields, version, position })
    }
    const shape = state.layout.shape === this.#shape ? undefined : state.layout.shape
    this.#shape = state.layout.shape
    const end = finished ? { header: state.header(), digest: state.digest.toString() } : undefined
    return { shape, changes, end }
  }

  close(): void {
    this.#stopListening()
    this.#changes = []
  }

  #fail(error: GridError): void {
    this.#failure = error
    this.close()
  }

  /** A Map may change while it is iterated: entries removed are not visited, entries added are visited last. */
  *#entries(): Iterator<[string, Entry]> {
    const { state } = this.#replica
    for (let number = 0; number < state.layout.caches.length; number++) {
      const { name } = state.layout.cache(number)
      for (const entry of state.cache(number).entries.values()) yield [name, entry]
    }
  }
}
