import { Type } from 'typebox'
import { checkFits } from '../../core/validation.ts'
import type { LineName } from '../../core/waiting-room.ts'
import type { Clock, Timer } from '../../engine/ports/clock.ts'
import type { Messaging, Subscription } from '../../engine/ports/messaging.ts'
import { subjects } from '../../engine/wire/subjects.ts'
import { parseJsonInput } from './json-input.ts'

/** A visit ends with a report of its own only if that many have not been told of yet. */
const finishedMax = 10_000
/** Far more than a unit does between two reports, and between as many that could not be told. */
const countMax = 1_000_000_000
/** Lines that a grid can have. */
const reportsMax = 10_000

const count = Type.Integer({ minimum: 0, maximum: countMax })
const reports = Type.Array(
  Type.Object({
    line: Type.String(),
    committed: count,
    shed: count,
    finished: Type.Array(Type.String({ maxLength: 255 }), { maxItems: finishedMax }),
  }),
  { maxItems: reportsMax },
)

/**
 * What a unit has told, however odd it is.
 * @throws GridError `invalid_json`, `invalid_input`
 */
export function readReports(data: Uint8Array): readonly AdmissionReport[] {
  const told = parseJsonInput(data)
  checkFits(reports, told, 'admissions')
  return told as readonly AdmissionReport[]
}

/** What became of what the admitted of one line have asked, since the last report. */
export interface AdmissionReport {
  readonly line: LineName
  /** Their commands that were committed. */
  readonly committed: number
  /** Their requests that were turned away with 503: no part of their doing. */
  readonly shed: number
  /** Visits that are over, as `lane/number`, because what they came for is done. */
  readonly finished: readonly string[]
}

const reportMs = 250
const answerMsMax = 2000

/**
 * What a unit tells the waiting room of those it has let in: how fast the line may move follows
 * from it. Nothing durable rests on it; what could not be told is told with the next report, and
 * lost with the process.
 */
export class AdmissionReports {
  readonly #lines = new Map<LineName, { committed: number; shed: number; finished: Set<string> }>()

  committed(line: LineName): void {
    this.#of(line).committed++
  }

  shed(line: LineName): void {
    this.#of(line).shed++
  }

  finished(line: LineName, visit: string): void {
    const { finished } = this.#of(line)
    if (finished.size < finishedMax) finished.add(visit)
  }

  /** Everything since it was last called. */
  take(): AdmissionReport[] {
    const reports = [...this.#lines].map(([line, { committed, shed, finished }]) => ({
      ...{ line, committed, shed },
      finished: [...finished],
    }))
    this.#lines.clear()
    return reports
  }

  /** Tells the waiting room four times a second, if there is anything to tell. */
  tell(messaging: Messaging, clock: Clock): Subscription {
    let timer: Timer | undefined
    let isStopped = false
    const send = async () => {
      const reports = this.take()
      if (reports.length > 0) {
        const data = Buffer.from(JSON.stringify(reports))
        await messaging
          .request(subjects.admissions, data, { timeoutMs: answerMsMax })
          .catch(() => this.#putBack(reports))
      }
      if (!isStopped) timer = clock.after(reportMs, send)
    }
    timer = clock.after(reportMs, send)
    return {
      stop: async () => {
        isStopped = true
        timer?.cancel()
      },
    }
  }

  #putBack(reports: readonly AdmissionReport[]): void {
    for (const { line, committed, shed, finished } of reports) {
      const kept = this.#of(line)
      kept.committed += committed
      kept.shed += shed
      for (const visit of finished) this.finished(line, visit)
    }
  }

  #of(line: LineName) {
    let kept = this.#lines.get(line)
    if (!kept) {
      kept = { committed: 0, shed: 0, finished: new Set() }
      this.#lines.set(line, kept)
    }
    return kept
  }
}
