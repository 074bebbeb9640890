import type { Clock, Timer } from '../ports/clock.ts'
import type { Readiness } from './readiness.ts'
import type { Report } from './role-event.ts'

const lookMs = 500
/** What is met twice in a row is told: by then it is no passing state. */
const patienceMs = 500
/** For what everybody goes through when it starts. */
const startMs = 5000
const isStarting = (reason: string): boolean =>
  /what came before$|waiting for the data reader|^(?:starting|rehydrating(?: from \w+: \d+ entries)?|joining the log|the definition is not in the log yet|the (?:log|change queue) is not connected)$/.test(
    reason,
  )
/** Different causes told in one go; a cause that counts something is one. */
const toldMax = 20
const sameText = (reason: string): string => reason.replaceAll(/[0-9a-f]*\d[0-9a-f]*/g, 'N')

/**
 * Tells people what keeps a component or a unit from its work: each cause once when it begins, and
 * once when everything is over. It asks what the health check answers, so whatever keeps somebody
 * from being ready is in the log as well.
 */
export class ReadinessWatch {
  readonly #clock: Clock
  readonly #watched: { readiness(): Readiness }
  readonly #report: Report
  readonly #told = new Set<string>()
  #timer: Timer | undefined
  #reason = ''
  #since = 0
  /** When it was found not ready first; undefined: it is, or nobody was told. */
  #toldAt: number | undefined

  constructor(clock: Clock, watched: { readiness(): Readiness }, report: Report) {
    this.#clock = clock
    this.#watched = watched
    this.#report = report
  }

  start(): void {
    this.#timer = this.#clock.after(lookMs, () => {
      this.start()
      this.#look()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #look(): void {
    const { ready, reason = 'not ready' } = this.#watched.readiness()
    const now = this.#clock.monotonic()
    if (ready || reason === 'stopping') {
      this.#over(ready, now)
      return
    }
    const text = sameText(reason)
    if (text !== this.#reason) {
      this.#reason = text
      this.#since = now
    }
    if (now - this.#since < (isStarting(reason) ? startMs : patienceMs)) return
    if (this.#told.has(text) || this.#told.size >= toldMax) return
    this.#told.add(text)
    this.#toldAt ??= now
    this.#report({ kind: 'readiness', level: 'warn', message: `not ready: ${reason}` })
  }

  #over(ready: boolean, now: number): void {
    this.#reason = ''
    if (!ready || this.#toldAt === undefined) return
    const seconds = Math.round((now - this.#toldAt) / 1000)
    this.#toldAt = undefined
    this.#told.clear()
    this.#report({ kind: 'readiness', level: 'info', message: `ready again, after ${seconds} s` })
  }
}
