import type { PermissionName } from '@spacegrid/grid/core/access'
import type { GridError } from '@spacegrid/grid/core/errors'
import type { Caller } from '../caller.ts'
import type { AccessTelemetry } from './access-telemetry.ts'

/** What stands in the trail. Never a token, a key, an input or a value. */
export interface AuditRecord {
  /** ISO 8601. */
  readonly time: string
  readonly kind: 'refusal' | 'administration' | 'left_out'
  /** undefined: nobody has said. */
  readonly who?: string | undefined
  readonly by?: 'token' | 'key' | undefined
  /** The permission that was asked for. */
  readonly what?: PermissionName
  readonly door?: string
  readonly address?: string | undefined
  readonly requestId?: string | undefined
  /** `done`, or the code of an error. */
  readonly outcome?: string
  /** Why nobody could be identified. */
  readonly reason?: unknown
  /** Of `left_out`: how many refusals since the last such record. */
  readonly count?: number
}

export interface AuditTrailParts {
  readonly write: (record: AuditRecord) => void
  /** ms since the epoch. */
  readonly now: () => number
  readonly telemetry?: AccessTelemetry
}

export interface AuditTrailOptions {
  /** Refusals that are written down in a second, on the average. */
  readonly perSecond: number
  /** And at once, after a quiet time. */
  readonly atOnce: number
}

export const auditTrailDefaults: AuditTrailOptions = { perSecond: 50, atOnce: 500 }

/** How often it is told at most that something was left out, ms. */
const leftOutMs = 1000

/**
 * Writes down what operators have done and who was refused what. Whoever tries a million tokens
 * must not fill a disk: of refusals beyond a rate only the number is written down, and counted in
 * the metrics; what operators do is written down always.
 */
export class AuditTrail {
  readonly #parts: AuditTrailParts
  readonly #options: AuditTrailOptions
  #allowance: number
  #lastAt: number
  #leftOut = 0
  #toldAt = 0

  constructor(parts: AuditTrailParts, options: AuditTrailOptions = auditTrailDefaults) {
    this.#parts = parts
    this.#options = options
    this.#allowance = options.atOnce
    this.#lastAt = parts.now()
  }

  refused(caller: Caller, what: PermissionName, { code, details }: GridError): void {
    this.#parts.telemetry?.refused(caller.origin.door, code)
    const now = this.#parts.now()
    if (!this.#mayWrite(now)) {
      this.#leftOut++
      this.#parts.telemetry?.leftOut.add()
      return
    }
    if (this.#leftOut > 0 && now - this.#toldAt >= leftOutMs) {
      this.#parts.write({ time: isoTime(now), kind: 'left_out', count: this.#leftOut })
      this.#leftOut = 0
      this.#toldAt = now
    }
    const { reason } = details
    this.#parts.write({
      ...recordOf('refusal', now, caller, what, code),
      ...(reason === undefined ? {} : { reason }),
    })
  }

  administered(caller: Caller, what: PermissionName, outcome: string): void {
    this.#parts.telemetry?.administration.add()
    this.#parts.write(recordOf('administration', this.#parts.now(), caller, what, outcome))
  }

  #mayWrite(now: number): boolean {
    const { perSecond, atOnce } = this.#options
    const passed = Math.max(0, now - this.#lastAt)
    this.#lastAt = now
    this.#allowance = Math.min(atOnce, this.#allowance + (passed / 1000) * perSecond)
    if (this.#allowance < 1) return false
    this.#allowance--
    return true
  }
}

function recordOf(
  kind: AuditRecord['kind'],
  now: number,
  { identity, origin }: Caller,
  what: PermissionName,
  outcome: string,
): AuditRecord {
  const { door, address, trace } = origin
  return {
    ...{ time: isoTime(now), kind },
    ...(identity ? { who: identity.name, by: identity.kind } : {}),
    ...{ what, door },
    ...(address === undefined ? {} : { address }),
    ...(trace === undefined ? {} : { requestId: trace.requestId }),
    outcome,
  }
}

const isoTime = (ms: number): string => new Date(ms).toISOString()
