import { partitionsMax } from '../../core/partition.ts'
import { isToldText, packMessage, readTold } from '../wire/sealed-message.ts'

const loadFormat = 1

/** How one log fares in one unit. Counts are of this process, and only grow while it lives. */
export interface LogLoad {
  /** Of a divided space; 0 otherwise. */
  readonly partition: number
  /** Commands that were answered. */
  readonly answered: number
  /** Commands and queries that were turned away. */
  readonly shed: number
  /** Commands without an outcome, and how many there may be. */
  readonly pending: number
  readonly limit: number
  /** What commands waited before they were sent to the log, ms, when that was last looked at. */
  readonly delayMs: number
  /** The round trip of the log: of the frame that came back last, and the least known, ms. */
  readonly tripMs: number
  readonly tripMsLeast: number
  /** Queries that wait for their turn. */
  readonly queriesWaiting: number
  /** Affinity keys whose commands go to one unit. */
  readonly hotKeys: number
}

/** What a unit tells of itself on `subjects.load`, to whoever has asked. */
export interface LoadTold {
  /** Unique, whatever it is called. */
  readonly id: number
  readonly name: string
  readonly role: string
  /** It can be sent requests. */
  readonly ready: boolean
  /** Its memory is near its budget. */
  readonly full: boolean
  /** How long its event loop has worked so far, and waited for something to do, ms. */
  readonly busyMs: number
  readonly idleMs: number
  readonly logs: readonly LogLoad[]
}

const logFields = [
  ...(['partition', 'answered', 'shed', 'pending', 'limit', 'delayMs'] as const),
  ...(['tripMs', 'tripMsLeast', 'queriesWaiting', 'hotKeys'] as const),
] satisfies (keyof LogLoad)[]

export function encodeLoad(told: LoadTold): Uint8Array {
  const { id, name, role, ready, full, busyMs, idleMs, logs } = told
  const figures = logs.map((log) => logFields.map((field) => log[field]))
  return packMessage(loadFormat, [id, name, role, ready, full, busyMs, idleMs, figures])
}

/** undefined: no such message, as `readTold` has it. */
export const decodeLoad = (data: Uint8Array): LoadTold | undefined =>
  readTold(loadFormat, data, readLoad)

function readLoad(fields: unknown): LoadTold | undefined {
  if (!Array.isArray(fields)) return undefined
  const [id, name, role, ready, full, busyMs, idleMs, figures] = fields as unknown[]
  if (!Number.isSafeInteger(id) || !isToldText(name) || !isToldText(role)) return undefined
  if (typeof ready !== 'boolean' || typeof full !== 'boolean') return undefined
  if (!isFigure(busyMs) || !isFigure(idleMs)) return undefined
  if (!Array.isArray(figures) || figures.length > partitionsMax) return undefined
  const logs = figures.map(readLog)
  if (logs.some((log) => log === undefined)) return undefined
  const told = { id: id as number, name, role, ready, full, busyMs, idleMs }
  return { ...told, logs: logs as LogLoad[] }
}

function readLog(figures: unknown): LogLoad | undefined {
  if (!Array.isArray(figures) || figures.length < logFields.length) return undefined
  if (!logFields.every((_, at) => isFigure(figures[at]))) return undefined
  if ((figures[0] as number) >= partitionsMax || !Number.isInteger(figures[0])) return undefined
  return Object.fromEntries(
    logFields.map((field, at) => [field, figures[at]]),
  ) as unknown as LogLoad
}

const isFigure = (it: unknown): it is number => Number.isFinite(it) && (it as number) >= 0
