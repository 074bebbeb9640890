import { GridError, isGridError } from '@spacegrid/grid/core/errors'
import type { LogName } from '@spacegrid/grid/core/log-name'
import { decodeOfAnyLog } from '@spacegrid/grid/engine/agreement/audit-codec'
import type { AuditRole, Teller } from '@spacegrid/grid/engine/agreement/audit-message'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import type { Log } from '@spacegrid/grid/engine/ports/log'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import type { Store } from '@spacegrid/grid/engine/ports/store'
import { subjects } from '@spacegrid/grid/engine/wire/subjects'
import { type CopyHolder, replicaHolder, storeHolder } from './audited-copy.ts'
import { ReferenceState } from './reference-state.ts'
import { compareStates, type Difference, type StateComparison } from './state-comparison.ts'

/** What is needed of one log to audit its space, or partition. */
export interface SpaceAuditPorts {
  readonly log: Log
  readonly changes: Log
  readonly messaging: Messaging
  readonly clock: Clock
  /** None: not looked at. */
  readonly store?: Store
  readonly image?: Store
}

export interface SpaceAuditOptions {
  readonly logName: LogName
  /** Differing keys that are named, of each copy. Default 20. */
  readonly differencesMax?: number
  /** How long a copy that is behind or busy is waited for. Default 30,000. */
  readonly waitMs?: number
  readonly progress?: (who: string, entries: number) => void
}

export interface AuditRow {
  readonly name: string
  readonly role: AuditRole
  /** At which it was compared; undefined: it could not be read. */
  readonly position?: number
  readonly entries?: number
  /** Of everything in it, values included. */
  readonly digest?: string
  /** undefined: it could not be found out. */
  readonly equal: boolean | undefined
  /** Why it could not be compared, or what is wrong beside its entries. */
  readonly notes: readonly string[]
  readonly differences: readonly Difference[]
  readonly differenceCount: number
}

export interface SpaceAuditReport {
  /** The name of its log. */
  readonly space: LogName
  /** Whose copy the others were compared with. */
  readonly reference: string
  readonly equal: boolean
  /** Whether all copies could be compared. */
  readonly complete: boolean
  readonly rows: readonly AuditRow[]
  readonly seconds: number
}

/** Replicas tell themselves every second; a busy machine may be late with it. */
const listenMsUsual = 2500

/** Everyone who tells a digest of the space. */
export async function findReplicas(
  logName: LogName,
  messaging: Messaging,
  clock: Clock,
  listenMs = listenMsUsual,
): Promise<Teller[]> {
  const found = new Map<number, Teller>()
  const subscription = messaging.subscribe(subjects.audit(logName), ({ data }) => {
    const message = decodeOfAnyLog(data)?.message
    if (message?.kind !== 'digest') return
    if (message.from.role === 'unit' || message.from.role === 'pump')
      found.set(message.from.id, message.from)
  })
  await sleep(clock, listenMs)
  await subscription.stop()
  return [...found.values()].sort(
    (one, other) => other.role.localeCompare(one.role) || one.name.localeCompare(other.name),
  )
}

/**
 * Compares every copy of a space in full, values included, while the grid works on: each copy is
 * exact at a position of its own, and a reference is melded along the log from one to the next.
 * Holds two states in memory. Whoever differs from most of the others is named.
 * @throws GridError `no_responder` when no replica is heard of, or the reference cannot be read
 */
export async function auditSpace(
  ports: SpaceAuditPorts,
  replicas: readonly Teller[],
  options: SpaceAuditOptions,
): Promise<SpaceAuditReport> {
  const { logName, differencesMax = 20, waitMs = 30_000, progress = () => undefined } = options
  const { clock, log, messaging } = ports
  const startedAt = clock.monotonic()
  const copyOptions = { logName, waitMs }
  const holders: CopyHolder[] = [
    ...replicas.map((teller) => replicaHolder(messaging, clock, teller, copyOptions)),
    ...storeHolders(ports, copyOptions),
  ]
  const [first, ...others] = holders
  if (!first || replicas.length === 0)
    throw new GridError('no_responder', `Nobody tells that it holds ${logName}`)
  const copy = await first.read(0, (entries) => progress(first.name, entries))
  const { position, entryCount } = copy.state
  const self = await compareStates(copy.state, copy.state, clock, 0)
  const own = rowOf(first, position, entryCount, self, ownNotes(copy.digest, copy.state))
  const reference = new ReferenceState(copy.state, log, clock)
  const rows: Compared[] = [{ row: own, signature: 0 }]
  try {
    for (const holder of others)
      rows.push(await compareHolder(holder, reference, clock, waitMs, differencesMax, progress))
  } finally {
    await reference.stop()
  }
  const judged = judge(rows)
  return {
    space: logName,
    reference: first.name,
    equal: judged.every(({ equal }) => equal !== false),
    complete: judged.every(({ equal }) => equal !== undefined),
    rows: judged,
    seconds: (clock.monotonic() - startedAt) / 1000,
  }
}

function storeHolders(
  { store, image, changes, clock }: SpaceAuditPorts,
  options: { readonly logName: LogName; readonly waitMs: number },
): CopyHolder[] {
  const holders: CopyHolder[] = []
  if (image)
    holders.push(storeHolder('warm image', 'image', { store: image, changes, clock }, options))
  if (store) holders.push(storeHolder('store', 'store', { store, changes, clock }, options))
  return holders
}

interface Compared {
  readonly row: AuditRow
  /** Of its differences; undefined: not known. */
  readonly signature: number | undefined
}

async function compareHolder(
  holder: CopyHolder,
  reference: ReferenceState,
  clock: Clock,
  waitMs: number,
  differencesMax: number,
  progress: (who: string, entries: number) => void,
): Promise<Compared> {
  const { name, role } = holder
  try {
    const { state, digest } = await holder.read(reference.state.position, (entries) =>
      progress(name, entries),
    )
    await reference.advance(state.position, waitMs)
    const comparison = await compareStates(reference.state, state, clock, differencesMax)
    const notes = [
      ...ownNotes(digest, state),
      ...comparison.headerDifferences.map((part) => `its ${part} differs`),
    ]
    const row = rowOf(holder, state.position, state.entryCount, comparison, notes)
    return { row, signature: row.equal ? 0 : comparison.signature + notes.length }
  } catch (error) {
    // What cannot be reached is not known; what cannot be read is wrong.
    const equal = isGridError(error) ? undefined : false
    const notes = [error instanceof Error ? error.message : String(error)]
    return {
      row: { name, role, equal, notes, differences: [], differenceCount: 0 },
      signature: undefined,
    }
  }
}

const ownNotes = (kept: string, { digest }: { readonly digest: object }): string[] =>
  kept === digest.toString()
    ? []
    : [`it keeps the digest ${kept}, its entries count to ${digest.toString()}`]

function rowOf(
  { name, role }: CopyHolder,
  position: number,
  entries: number,
  { contentDigest, differences, differenceCount }: StateComparison,
  notes: readonly string[],
): AuditRow {
  const equal = differenceCount === 0 && notes.length === 0
  return {
    ...{ name, role, position, entries, digest: contentDigest },
    ...{ equal, notes, differences, differenceCount },
  }
}

/**
 * When most copies differ from the reference in the same way, then it is the reference that is
 * wrong.
 */
function judge(compared: readonly Compared[]): AuditRow[] {
  const rows = compared.map(({ row }) => row)
  const [reference] = compared
  const bySignature = Map.groupBy(
    compared.filter(({ signature }) => signature !== undefined),
    ({ signature }) => signature,
  )
  for (const [signature, alike] of bySignature) {
    const [sample] = alike
    if (!signature || !sample || !reference || 2 * alike.length <= compared.length) continue
    const { row } = sample
    return compared.map((one) => {
      if (alike.includes(one))
        return { ...one.row, equal: true, notes: [], differences: [], differenceCount: 0 }
      if (one.signature !== 0) return one.row
      const { differenceCount } = row
      return {
        ...one.row,
        equal: false,
        differences: row.differences.map(inverted),
        differenceCount,
        notes: row.notes,
      }
    })
  }
  return rows
}

const inverted = ({ kind, expectedVersion, version, ...name }: Difference): Difference => ({
  ...name,
  kind: kind === 'missing' ? 'extra' : kind === 'extra' ? 'missing' : kind,
  expectedVersion: version,
  version: expectedVersion,
})
