import { logNameOf } from '@spacegrid/grid/core/log-name'
import type { LoadTold, LogLoad } from '@spacegrid/grid/engine/load/load-told'
import type { NamedSpace } from '@spacegrid/grid/program/named-spaces'
import type { LogSignals, UnitSignals } from '../decide/moment.ts'

/** What is further back says nothing of now. */
const freshMs = 3000
/** Rates are measured over about so long. */
const rateMs = 1000
/** Two words that come together say nothing of what lies between them. */
const rateMsMin = 100
/** Units that are noticed; beyond, newcomers are not. */
const unitsMax = 1024

interface Heard {
  readonly at: number
  readonly told: LoadTold
}

/** Of one process, about one space: what was heard last, and the oldest word rates go by. */
interface Account {
  readonly before: Heard
  readonly now: Heard
}

/**
 * What units have told of their load, and what follows from two words of the same unit: how busy it
 * was in between, and how much it was asked. Who has said nothing for 3 s is silent, and of whom
 * only one word is known nothing can be said yet.
 */
export class LoadBook {
  readonly #spaces: readonly NamedSpace[]
  readonly #role: string
  /** By space and process. */
  readonly #heard = new Map<string, Heard[]>()

  /** @param role of the units that are looked at */
  constructor(spaces: readonly NamedSpace[], role: string) {
    this.#spaces = spaces
    this.#role = role
  }

  heard(space: string, told: LoadTold, at: number): void {
    if (told.role !== this.#role) return
    const key = `${space} ${told.id}`
    const heard = this.#heard.get(key)
    if (!heard) {
      if (this.#heard.size < unitsMax * this.#spaces.length) this.#heard.set(key, [{ at, told }])
      return
    }
    // What comes together takes the place of what came before it.
    if (at - (heard.at(-1)?.at ?? at) < rateMsMin) heard.pop()
    heard.push({ at, told })
    while (heard.length > 2 && at - (heard[1]?.at ?? at) >= rateMs) heard.shift()
  }

  /** Units that have said how they fare; those of several spaces have done so for each. */
  units(at: number): UnitSignals[] {
    const units = new Map<number, UnitSignals>()
    for (const [key, heard] of this.#heard) {
      const now = heard.at(-1)
      if (!now || at - now.at > freshMs) {
        this.#heard.delete(key)
        continue
      }
      const { told } = now
      const [before] = heard
      const [name = ''] = key.split(' ')
      const space = this.#spaces.find((one) => one.name === name)
      if (!space || !before || before === now || !told.ready) continue
      const account = { before, now }
      const logs = told.logs.map((log) => signalsOf(space, log, account))
      const known = units.get(told.id)
      units.set(told.id, {
        name: told.name,
        busy: Math.max(known?.busy ?? 0, busyOf(account)),
        full: told.full || known?.full === true,
        logs: [...(known?.logs ?? []), ...logs],
      })
    }
    return [...units.values()]
  }
}

function busyOf({ before, now }: Account): number {
  const busy = now.told.busyMs - before.told.busyMs
  const idle = now.told.idleMs - before.told.idleMs
  return busy + idle <= 0 ? 0 : Math.min(1, Math.max(0, busy / (busy + idle)))
}

function signalsOf(
  { name: space, partitions }: NamedSpace,
  log: LogLoad,
  { before, now }: Account,
): LogSignals {
  const then = before.told.logs.find(({ partition }) => partition === log.partition)
  const seconds = (now.at - before.at) / 1000
  const rate = (field: 'answered' | 'shed') =>
    then && seconds > 0 ? Math.max(0, log[field] - then[field]) / seconds : 0
  const { pending, limit, delayMs, tripMs, tripMsLeast, queriesWaiting, hotKeys } = log
  return {
    logName: logNameOf(space, partitions === 1 ? undefined : log.partition),
    ...{ space, answeredPerSecond: rate('answered'), shedPerSecond: rate('shed') },
    ...{ pending, limit, delayMs, tripMs, tripMsLeast, queriesWaiting, hotKeys },
  }
}
