import { git } from '../report/run-facts.ts'
import type { Measurement, Results } from './results.ts'

/** What is shown of the largest changes, each way. */
const shownMost = 5
/** Runs of the same code differ by this much on a shared machine. */
const noise = 0.1

type Identity = Pick<Measurement, 'task' | 'log' | 'concurrency'>

/** The results committed last under the same name, to compare a new run with. */
export class Comparison {
  readonly #last: Results | undefined
  readonly #rates = new Map<string, number>()

  static withCommitted(name: string): Comparison {
    try {
      const json = git('show', `HEAD:./../results/${name}.json`)
      return new Comparison(JSON.parse(json) as Results)
    } catch {
      // Nothing of this name has been committed, or this is no checkout.
      return new Comparison(undefined)
    }
  }

  constructor(last: Results | undefined) {
    this.#last = last
    for (const measurement of last?.measurements ?? [])
      this.#rates.set(keyOf(measurement), measurement.perSecond)
  }

  /** Rate now by rate then; undefined when it was not measured then. */
  ratio(measurement: Identity & { readonly perSecond: number }): number | undefined {
    const then = this.#rates.get(keyOf(measurement))
    return then ? measurement.perSecond / then : undefined
  }

  /** Lines for the screen. */
  summary(now: Results): string[] {
    const last = this.#last
    if (!last) return ['No results are committed under this name: nothing to compare with.']
    const compared = now.measurements
      .flatMap((m) => (m.againstLast === undefined ? [] : [{ m, ratio: m.againstLast }]))
      .sort((a, b) => a.ratio - b.ratio)
    const from = `the results of ${last.startedAt} (commit ${last.commit})`
    if (compared.length === 0) return [`Nothing in common with ${from}.`]
    const mean = Math.exp(
      compared.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / compared.length,
    )
    const line = ({ m, ratio }: (typeof compared)[number]) =>
      `  ${ratio.toFixed(2)}  ${m.task}, ${m.log.split(' ')[0]}, ${m.concurrency} at a time`
    const slower = compared.filter(({ ratio }) => ratio < 1 - noise).slice(0, shownMost)
    const faster = compared.filter(({ ratio }) => ratio > 1 + noise).slice(-shownMost)
    return [
      `Against ${from}: ${mean.toFixed(2)} times the rates in the mean of ${compared.length}.`,
      ...differences(last, now),
      ...(slower.length > 0 ? ['Slower:', ...slower.map(line)] : []),
      ...(faster.length > 0 ? ['Faster:', ...faster.toReversed().map(line)] : []),
    ]
  }
}

/** What makes the two hard to compare. */
function differences(last: Results, now: Results): string[] {
  const of = ({ machine, node, entries }: Results) =>
    `${machine.cpu}, ${machine.cores} cores, Node ${node}, ${entries} entries`
  return of(last) === of(now) ? [] : [`  then: ${of(last)}`, `  now:  ${of(now)}`]
}

/** The log by its first word: what follows is said for people. */
const keyOf = ({ task, log, concurrency }: Identity): string =>
  `${task}|${log.split(' ')[0]}|${concurrency}`
