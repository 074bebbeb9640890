import type { Report } from '@spacegrid/grid/component/component'
import { GridError, isGridError } from '@spacegrid/grid/errors'
import type { Log } from '@spacegrid/grid/ports/log'
import type { Checkpoint, Store } from '@spacegrid/grid/ports/store'
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
  /** Why the store's own checkpoint is not given away, as it was told last. */
  #refusal: string | undefined

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
    this.#tellRefusal(reason?.message)
    if (!reason) return new StoreSnapshot(this.#space, this.#ports, scan, () => undefined)
    await scan.close()
    throw reason
  }

  /** Whoever asks asks often. */
  #tellRefusal(refusal: string | undefined): void {
    if (refusal === this.#refusal) return
    if (refusal !== undefined)
      this.#report({ level: 'warn', message: `nobody can begin with what is stored: ${refusal}` })
    else this.#report({ level: 'info', message: 'what is stored can be begun with again' })
    this.#refusal = refusal
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
  { position, logIdentity }: Checkpoint,
  log: Log,
): Promise<GridError | undefined> {
  const { identity, first } = await log.bounds()
  if (position <= 0) return new GridError('not_ready', 'It is being written anew')
  if (logIdentity !== identity)
    return new GridError(
      'log_replaced',
      `What is stored belongs to the log ${logIdentity}, the present one is ${identity}. If that log is lost: npm run recover -- --from store`,
    )
  if (position + 1 < first)
    return new GridError(
      'log_trimmed',
      `What is stored ends at ${position}, the log begins at ${first}: npm run recover -- --store`,
    )
  return undefined
}
