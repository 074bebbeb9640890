import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { logNameOf } from '@spacegrid/grid/core/log-name'
import type {
  MemberStatus,
  PlacementStatus,
} from '@spacegrid/grid/engine/placement/placement-status'
import type { ComponentProcess } from 'spacegrid/cluster/component-process'

const lookMs = 500
const answerMsMax = 2000
/** Longer than that for its status: the unit, or the machine, had something else to do. */
const slowMs = 250
/** Of one partition, or in all. */
const seenMax = 2000
/** Of a unit's log, by pino's levels. */
const warnLevel = 40

interface Seen {
  /** Monotonic ms. */
  readonly at: number
  readonly text: string
}

interface UnitStatus {
  readonly placement: Readonly<Record<string, PlacementStatus>>
  readonly spaces: Readonly<
    Record<string, { readonly state: string; readonly lag: number; readonly pending: number }>
  >
}

/** What became of a process, ms since it began. */
interface Scheduled {
  readonly ranMs: number
  /** It could have run, and others did. */
  readonly waitedMs: number
}

/**
 * Looks all the time at how the units of a divided space say that they are, and notes what changes:
 * whoever did not answer can be explained by it afterwards.
 */
export class UnitsWatch {
  readonly #units: () => readonly ComponentProcess[]
  readonly #space: string
  readonly #over = new AbortController()
  readonly #work: Promise<unknown>
  /** By what is looked at: what it was last. */
  #last = new Map<string, string>()
  /** By partition. */
  readonly #seen: Seen[][]
  #ofAll: Seen[] = []
  #scheduled = new Map<ComponentProcess, Scheduled>()

  constructor(units: () => readonly ComponentProcess[], space: string, partitions: number) {
    this.#units = units
    this.#space = space
    this.#seen = Array.from({ length: partitions }, () => [])
    this.#work = this.#look()
  }

  async end(): Promise<void> {
    this.#over.abort()
    await this.#work
  }

  /** From now on; how everything is now is noted too. */
  async begin(): Promise<void> {
    this.#scheduled = await scheduledOf(this.#units())
    this.#last = new Map()
    this.#ofAll = []
    for (const seen of this.#seen) seen.length = 0
  }

  /** What has to do with a partition, in order, with the ms since that moment. */
  async toldOf(partition: number, since: number, until: number): Promise<string[]> {
    const logName = logNameOf(this.#space, partition)
    const logged = await Promise.all(
      this.#units().map((unit) => loggedBy(unit, logName, since, until)),
    )
    return [...(this.#seen[partition] ?? []), ...this.#ofAll, ...logged.flat()]
      .filter(({ at }) => at <= until)
      .sort((one, other) => one.at - other.at)
      .map(({ at, text }) => `${Math.round(at - since)} ms: ${text}`)
  }

  /** How much of a processor each unit has had since; where the system does not say, nothing. */
  async processors(): Promise<string[]> {
    const now = await scheduledOf(this.#units())
    return [...now].flatMap(([{ settings }, { ranMs, waitedMs }]) => {
      const before = [...this.#scheduled].find(([unit]) => unit.settings === settings)?.[1]
      if (!before) return []
      const [ran, waited] = [ranMs - before.ranMs, waitedMs - before.waitedMs].map(Math.round)
      return [`${settings.name} ran for ${ran} ms and waited ${waited} ms for a processor`]
    })
  }

  async #look(): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      await Promise.all(this.#units().map((unit) => this.#lookAt(unit)))
      await sleep(lookMs)
    }
  }

  async #lookAt({ ended, settings: { name, adminPort } }: ComponentProcess): Promise<void> {
    if (ended !== undefined) return
    const begun = performance.now()
    try {
      const response = await fetch(`http://127.0.0.1:${adminPort}/status`, {
        signal: AbortSignal.timeout(answerMsMax),
      })
      this.#noteAll(name, (await response.json()) as UnitStatus)
      const tookMs = performance.now() - begun
      if (tookMs > slowMs)
        note(this.#ofAll, `${name} has taken ${Math.round(tookMs)} ms to say how it is`)
    } catch (error) {
      note(this.#ofAll, `${name} does not say how it is: ${(error as Error).message}`)
    }
  }

  #noteAll(name: string, { placement, spaces }: UnitStatus): void {
    const placed = placement[this.#space]
    if (!placed) return
    for (const [partition, seen] of this.#seen.entries()) {
      this.#changed(
        seen,
        `${name} sees of ${partition}`,
        `${name} sees: ${keptText(placed, partition)}`,
      )
      const own = spaces[logNameOf(this.#space, partition)]
      if (!own) continue
      const { state, lag, pending } = own
      const text = `${name} keeps it: ${state}, lag ${lag}, pending ${pending}`
      this.#changed(seen, `${name} keeps ${partition}`, text)
    }
  }

  #changed(seen: Seen[], what: string, text: string): void {
    if (this.#last.get(what) === text) return
    this.#last.set(what, text)
    note(seen, text)
  }
}

/** By Linux alone: its second number is the time on a run queue. */
async function scheduledOf(
  units: readonly ComponentProcess[],
): Promise<Map<ComponentProcess, Scheduled>> {
  const scheduled = new Map<ComponentProcess, Scheduled>()
  for (const unit of units) {
    const text = await readFile(`/proc/${unit.pid}/schedstat`, 'utf8').catch(() => '')
    const [ran, waited] = text.split(' ').map(Number)
    if (ran === undefined || waited === undefined) continue
    scheduled.set(unit, { ranMs: ran / 1e6, waitedMs: waited / 1e6 })
  }
  return scheduled
}

function note(seen: Seen[], text: string): void {
  if (seen.length < seenMax) seen.push({ at: performance.now(), text })
}

function keptText({ homes, members }: PlacementStatus, partition: number): string {
  const those = (state: 'ready' | 'joining' | 'leaving') => {
    const names = members.filter((member: MemberStatus) => member[state].includes(partition))
    return names.length === 0 ? [] : [`${state} ${names.map(({ name }) => name).join(', ')}`]
  }
  const home = `home ${homes[partition] ?? 'nobody'}`
  return [home, ...those('ready'), ...those('joining'), ...those('leaving')].join('; ')
}

/** What a unit has written down about a log, and whatever is a warning. */
async function loggedBy(
  { settings: { name, logFile } }: ComponentProcess,
  logName: string,
  since: number,
  until: number,
): Promise<Seen[]> {
  const text = await readFile(logFile, 'utf8')
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return []
    const { time, level, space, msg } = JSON.parse(line) as Record<string, unknown>
    const at = Number(time) - performance.timeOrigin
    const isOfIt = space === logName || (space === undefined && Number(level) >= warnLevel)
    return isOfIt && at >= since && at <= until ? [{ at, text: `${name} writes: ${msg}` }] : []
  })
}
