/** How often what happened: a fault that never comes would test nothing. */
export class Coverage {
  readonly counts = new Map<string, number>()

  count(what: string, times = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times)
  }

  add(counts: Iterable<readonly [string, number]>): void {
    for (const [what, times] of counts) this.count(what, times)
  }
}
