import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import type { Report } from '@spacegrid/grid/engine/life/role-event'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Checkpoint, ScanOptions, Store, StoreScan } from '@spacegrid/grid/engine/ports/store'
import { decodeHeader } from '@spacegrid/grid/engine/wire/snapshot-codec'
import type { ReaderPorts } from './reader-options.ts'
import { StoreSnapshot } from './store-snapshot.ts'

/**
 * Whoever could use an image does not come back so soon: then the image was not what it seemed, and
 * the store is read instead.
 */
const imageDoubtMs = 30_000
/** A store that was found damaged is not read again for this long. */
const damageRestMs = 5000
const damageToldMsMin = 60_000

/**
 * Chooses what a snapshot is read from: the warm image while it can be continued by the log, for it
 * is read faster; else the store. What belongs to another log than the present one is never given
 * away.
 */
export class SnapshotChoice {
  readonly #logName: LogName
  readonly #ports: ReaderPorts
  readonly #report: Report
  #imageUsedAt = Number.NEGATIVE_INFINITY
  /** That the store was found damaged. */
  #damage: { readonly at: number; readonly error: GridError } | undefined
  #damageToldAt = Number.NEGATIVE_INFINITY
  /** The store's checkpoint when it could be read last. */
  #start: Checkpoint | undefined
  /** Why the store's own checkpoint is not given away, as it was told last. */
  #refusal: string | undefined

  constructor(logName: LogName, ports: ReaderPorts, report: Report) {
    this.#logName = logName
    this.#ports = ports
    this.#report = report
  }

  /**
   * @throws GridError `not_found` when nothing is stored, `log_replaced`, `log_trimmed`, whatever
   * the store fails with
   */
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

  /**
   * The store's own checkpoint. @throws as `nearest`; `record_damaged` when it is not what the grid
   * has written
   */
  async stored(): Promise<StoreSnapshot> {
    const damage = this.#damage
    if (damage && this.#ports.clock.monotonic() - damage.at < damageRestMs) throw damage.error
    try {
      return await this.#scanned({}, (error) => this.#damaged(error))
    } catch (error) {
      throw isGridError(error, 'record_damaged') ? this.#damaged(error) : error
    }
  }

  /** As far as it is not damaged: for whoever mends it. */
  async whole(): Promise<StoreSnapshot> {
    return await this.#scanned({ damaged: () => undefined }, (error) => error)
  }

  async #scanned(
    options: ScanOptions,
    failed: (error: GridError) => GridError,
  ): Promise<StoreSnapshot> {
    const { store, log } = this.#ports
    const scan = await store.scan(this.#logName, options)
    if (!scan) throw new GridError('not_found', `Nothing is stored of ${this.#logName}`)
    this.#start = scan.start
    const reason = await unusableScan(scan, log)
    this.#tellRefusal(reason?.message)
    if (!reason)
      return new StoreSnapshot(this.#logName, this.#ports, scan, { failed, packed: true })
    await scan.close()
    throw reason
  }

  /** Told once in a while: whoever needs the store asks again and again. */
  #damaged(cause: GridError): GridError {
    const { logIdentity, position } = this.#start ?? {}
    const error = new GridError(
      'record_damaged',
      `${cause.message}: nobody starts from the store. While units run it is written anew by itself; otherwise: npx spacegrid recover`,
      { cause, details: this.#start ? { logIdentity, position } : {} },
    )
    const at = this.#ports.clock.monotonic()
    this.#damage = { at, error }
    if (at - this.#damageToldAt >= damageToldMsMin) {
      this.#damageToldAt = at
      this.#report({ kind: 'store', level: 'error', message: error.message, error: cause })
    }
    return error
  }

  /** Whoever asks asks often. */
  #tellRefusal(refusal: string | undefined): void {
    if (refusal === this.#refusal) return
    if (refusal !== undefined)
      this.#report({
        kind: 'store',
        level: 'warn',
        message: `nobody can begin with what is stored: ${refusal}`,
      })
    else
      this.#report({
        kind: 'store',
        level: 'info',
        message: 'what is stored can be begun with again',
      })
    this.#refusal = refusal
  }

  async #fromImage(image: Store): Promise<StoreSnapshot | undefined> {
    const { log, changes, clock } = this.#ports
    try {
      const scan = await image.scan(this.#logName)
      if (!scan) return undefined
      const reason = await unusableScan(scan, log)
      if (!reason)
        return new StoreSnapshot(this.#logName, { store: image, changes, clock }, scan, {
          finished: () => {
            this.#imageUsedAt = clock.monotonic()
          },
          packed: true,
        })
      await scan.close()
      this.#report({
        kind: 'image',
        level: 'info',
        message: `the warm image is not used: ${reason.message}`,
      })
    } catch (error) {
      if (!isGridError(error)) throw error
      this.#report({
        kind: 'image',
        level: 'info',
        message: `the warm image is not used: ${error.message}`,
        error,
      })
    }
    return undefined
  }
}

/** Closes the scan when that cannot be found out: it keeps what the store had when it began. */
async function unusableScan(scan: StoreScan, log: Log): Promise<GridError | undefined> {
  try {
    return await unusable(scan.start, log)
  } catch (error) {
    await scan.close()
    throw error
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
  if (position <= 0) return new GridError('not_ready', 'It is being written anew')
  if (logIdentity !== identity)
    return new GridError(
      'log_replaced',
      `What is stored belongs to the log ${logIdentity}, the present one is ${identity}. If that log is lost: npx spacegrid recover --from store`,
    )
  if (position + 1 < first)
    return new GridError(
      'log_trimmed',
      `What is stored ends at ${position}, the log begins at ${first}: npx spacegrid recover --store`,
    )
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
