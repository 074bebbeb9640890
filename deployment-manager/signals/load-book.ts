import { logNameOf } from '@spacegrid/grid/core/log-name'
import type { LoadTold, LogLoad } from '@spacegrid/grid/engine/load/load-told'
import type { NamedSpace } from '@spacegrid/grid/program/named-spaces'
import type { LogSignals, UnitSignals } from '../decide/moment.ts'

/** What is further back says nothing of now. */
const freshMs = 3000
/** Rates are measured over so long at least: two words of a unit may come together. */
const rateMsMin = 400
/** Units that are noticed; beyond, newcomers are not. */
const unitsMax = 1024

interface Heard {
  readonly at: number
  readonly told: LoadTold
}

/** Of one process, about one space. */
interface Account {
  before: Heard | undefined
  now: Heard
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
  readonly #accounts = new Map<string, Account>()

  /** @param role of the units that are looked at */
  constructor(spaces: readonly NamedSpace[], role: string) {
    this.#spaces = spaces
    this.#role = role
  }

  heard(space: string, told: LoadTold, at: number): void {
    if (told.role !== this.#role) return
    const key = `${space} ${told.id}`
    const account = this.#accounts.get(key)
    const now = { at, told }
    if (!account) {
      if (this.#accounts.size < unitsMax * this.#spaces.length)
        this.#accounts.set(key, { before: undefined, now })
      return
    }
    if (at - account.now.at >= rateMsMin) account.before = account.now
    account.now = now
  }

  /** Units that have said how they fare; those of several spaces have done so for each. */
  units(at: number): UnitSignals[] {
    const units = new Map<number, UnitSignals>()
    for (const [key, account] of this.#accounts) {
      if (at - account.now.at > freshMs) {
        this.#accounts.delete(key)
        continue
      }
      const { told } = account.now
      const [name = ''] = key.split(' ')
      const space = this.#spaces.find((one) => one.name === name)
      if (!space || !account.before || !told.ready) continue
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
  if (!before) return 0
  const busy = now.told.busyMs - before.told.busyMs
  const idle = now.told.idleMs - before.told.idleMs
  return busy + idle <= 0 ? 0 : Math.min(1, Math.max(0, busy / (busy + idle)))
}

function signalsOf(
  { name: space, partitions }: NamedSpace,
  log: LogLoad,
  { before, now }: Account,
): LogSignals {
  const then = before?.told.logs.find(({ partition }) => partition === log.partition)
  const seconds = before ? (now.at - before.at) / 1000 : 0
  const rate = (field: 'answered' | 'shed') =>
    then && seconds > 0 ? Math.max(0, log[field] - then[field]) / seconds : 0
  const { pending, limit, delayMs, tripMs, tripMsLeast, queriesWaiting, hotKeys } = log
  return {
    logName: logNameOf(space, partitions === 1 ? undefined : log.partition),
    ...{ space, answeredPerSecond: rate('answered'), shedPerSecond: rate('shed') },
    ...{ pending, limit, delayMs, tripMs, tripMsLeast, queriesWaiting, hotKeys },
  }
}
