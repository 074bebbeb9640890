import { cpus } from 'node:os'

interface Times {
  readonly idle: number
  readonly all: number
}

/**
 * How many processor cores of this machine had nothing to do since it was asked last, whoever they
 * might have worked for.
 */
export class IdleCores {
  readonly #times: () => readonly Times[]
  #before: readonly Times[]

  /** @param times of each core, since the machine was started; default: as the system says */
  constructor(times = coreTimes) {
    this.#times = times
    this.#before = times()
  }

  /** undefined: no time has passed, or the system does not say. */
  look(): number | undefined {
    const before = this.#before
    const now = this.#times()
    const shares = now.flatMap(({ idle, all }, core) => {
      const then = before[core]
      return then && all > then.all ? [(idle - then.idle) / (all - then.all)] : []
    })
    if (shares.length === 0) return undefined
    this.#before = now
    return shares.reduce((one, other) => one + other, 0)
  }
}

const coreTimes = (): Times[] =>
  cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({
    idle,
    all: user + nice + sys + idle + irq,
  }))
