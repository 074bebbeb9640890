import { hashString } from '@spacegrid/grid/core/hash'
import { Digest } from '@spacegrid/grid/core/version'
import { decodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import { MongoClient } from 'mongodb'

export interface StoreAudit {
  readonly position: number
  /** As the checkpoint says. */
  readonly digest: string
  /** As computed from the documents. */
  readonly computedDigest: string
  /** Of those that are in memory. */
  readonly entries: number
  readonly documents: ReadonlyMap<string, readonly Record<string, unknown>[]>
}

interface StoredDocument {
  readonly _grid: { readonly version: number; readonly archived?: boolean }
}

/** Reads everything that MongoDB holds of a space, from outside, in one snapshot. */
export async function auditStore(
  mongodbUrl: string,
  space: string,
  database = 'spacegrid',
): Promise<StoreAudit> {
  const client = await MongoClient.connect(mongodbUrl)
  try {
    const db = client.db(database)
    const session = client.startSession({ snapshot: true })
    const checkpoint = await db
      .collection<{ _id: string; position: number; digest: string; replicated: unknown }>(
        'grid.checkpoints',
      )
      .findOne({ _id: space }, { session })
    if (!checkpoint) throw new Error(`there is no checkpoint of ${space}`)
    const header = decodeHeader(bytesOf(checkpoint.replicated))
    const digest = new Digest()
    const documents = new Map<string, Record<string, unknown>[]>()
    let entries = 0
    for (const [number, { name }] of header.shape.caches.entries()) {
      const found = await db
        .collection<{ _id: string }>(`${space}.${name}`)
        .find({}, { session })
        .toArray()
      documents.set(name, found)
      for (const document of found) {
        const { version, archived } = (document as unknown as StoredDocument)._grid
        // The store alone has what has left memory.
        if (archived) continue
        digest.toggle(number, hashString(document._id), version)
        entries++
      }
    }
    await session.endSession()
    return {
      position: checkpoint.position,
      digest: checkpoint.digest,
      computedDigest: digest.toString(),
      entries,
      documents,
    }
  } finally {
    await client.close()
  }
}

const bytesOf = (field: unknown): Uint8Array =>
  field instanceof Uint8Array ? field : (field as { buffer: Uint8Array }).buffer

/** What the administration port of a unit says about one of its spaces. */
export interface UnitStatus {
  readonly ready: boolean
  readonly position: number
  readonly digest: string
  readonly entries: number
}

export async function unitStatus(adminPort: number, space: string): Promise<UnitStatus> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/status`, {
    signal: AbortSignal.timeout(5000),
  })
  const status = (await response.json()) as {
    ready: boolean
    spaces: Record<string, { position: number; digest: string; entries: number }>
  }
  const { position = 0, digest = '', entries = 0 } = status.spaces[space] ?? {}
  return { ready: status.ready, position, digest, entries }
}
