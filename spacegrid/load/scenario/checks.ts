import { type AuditCheck, check } from './audit-check.ts'

/** Offenders that are remembered of each promise. */
const offendersMax = 100

/** Promises that users have looked at while they were there. */
export class Checks {
  readonly #byPromise = new Map<string, { seen: number; broken: number; offenders: string[] }>()

  count(promise: string, holds: boolean, who: string): void {
    const counted = this.#byPromise.get(promise) ?? { seen: 0, broken: 0, offenders: [] }
    this.#byPromise.set(promise, counted)
    counted.seen += 1
    if (holds) return
    counted.broken += 1
    if (counted.offenders.length < offendersMax) counted.offenders.push(who)
  }

  get results(): AuditCheck[] {
    return [...this.#byPromise].map(([promise, { seen, broken, offenders }]) => {
      const result = check(promise, offenders, `${seen} times`)
      if (broken === 0) return result
      return { ...result, detail: `broken ${broken} of ${seen} times: ${result.detail}` }
    })
  }
}
