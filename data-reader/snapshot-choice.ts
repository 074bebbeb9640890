import type { Report } from '@spacegrid/grid/component/component'
import { GridError, isGridError } from '@spacegrid/grid/errors'
import type { Log } from '@spacegrid/grid/ports/log'
import type { Checkpoint, Store } from '@spacegrid/grid/ports/store'
import { decodeHeader } from '@spacegrid/grid/records/snapshot-codec'
import type { ReaderPorts } from './reader-options.ts'
import { StoreSnapshot } from './store-snapshot.ts'

/** Whoever could use an image does not come back so soon: then the image was not what it seemed, and the store is read instead. */
const imageDoubtMs = 30_000

/**
 * Chooses what a snapshot is read from: the warm image while it can be continued by the log, for it is read faster; else the store. What belongs to
 * another log than the present one is never given away.
 */
export class SnapshotChoice {
  readonly #space: string
  readonly #ports: ReaderPorts
  readonly #report: Report
  #imageUsedAt = Number.NEGATIVE_INFINITY

  constructor(space: string, ports: ReaderPorts, report: Report) {
    this.#space = space
    this.#ports = ports
    this.#report = report
  }

  /** @throws GridError `not_found` when nothing is stored, `log_replaced`, `log_trimmed`, whatever the store fails with */
  async nearest(): Promise<StoreSnapshot> {
    const { image, clock } = this.#ports
    const isInDoubt = clock.monotonic() - this.#imageUsedAt < imageDoubtMs
    const fromImage = image && !isInDoubt ? await this.#fromImage(image) : undefined
    if (fromImage) return fromImage
    try {
      return await this.stored()
    } catch (error) {
      // Better an image in doubt than nothing: whoever copies it compares digests.
      const inspiteOfDoubt = image && isInDoubt ? await this.#fromImage(image) : undefined
      if (inspiteOfDoubt) return inspiteOfDoubt
      throw error
    }
  }

  /** The store's own checkpoint. */
  async stored(): Promise<StoreSnapshot> {
    const { store, log } = this.#ports
    const scan = await store.scan(this.#space)
    if (!scan) throw new GridError('not_found', `Nothing is stored of ${this.#space}`)
    const reason = await unusable(scan.start, log)
    if (!reason) return new StoreSnapshot(this.#space, this.#ports, scan, () => undefined)
    await scan.close()
    throw reason
  }

  async #fromImage(image: Store): Promise<StoreSnapshot | undefined> {
    const { log, changes, clock } = this.#ports
    try {
      const scan = await image.scan(this.#space)
      if (!scan) return undefined
      const reason = await unusable(scan.start, log)
      if (!reason)
        return new StoreSnapshot(this.#space, { store: image, changes, clock }, scan, () => {
          this.#imageUsedAt = clock.monotonic()
        })
      await scan.close()
      this.#report({ level: 'info', message: `the warm image is not used: ${reason.message}` })
    } catch (error) {
      if (!isGridError(error)) throw error
      this.#report({
        level: 'info',
        message: `the warm image is not used: ${error.message}`,
        error,
      })
    }
    return undefined
  }
}

/** Why the log does not continue what is stored. */
async function unusable(
  { position, logIdentity, replicated }: Checkpoint,
  log: Log,
): Promise<GridError | undefined> {
  const { identity, first } = await log.bounds()
  const damage = damageOf(replicated)
  if (damage) return damage
  if (logIdentity !== identity)
    return new GridError(
      'log_replaced',
      `What is stored belongs to the log ${logIdentity}, the present one is ${identity}`,
    )
  if (position <= 0) return new GridError('not_ready', 'It is being built')
  if (position + 1 < first)
    return new GridError('log_trimmed', `It ends at ${position}, the log begins at ${first}`)
  return undefined
}

/** What keeps a checkpoint from being read at all. */
function damageOf(replicated: Uint8Array): GridError | undefined {
  try {
    decodeHeader(replicated)
    return undefined
  } catch (error) {
    if (isGridError(error)) return error
    throw error
  }
}
