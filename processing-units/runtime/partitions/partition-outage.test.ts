import { isGridError } from '@spacegrid/grid/core/errors'
import { type Clock, sleep } from '@spacegrid/grid/engine/ports/clock'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { expect, test, vi } from 'vitest'
import { partitionOfInput } from './partition-of.ts'
import { add, divided } from './test-support/divided-counters.ts'
import { PartitionedWorld, type WorldMember } from './test-support/partitioned-world.ts'

vi.setConfig({ testTimeout: 120_000 })

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const runs = Number(process.env.RUNS ?? 3)
const { partitions = 1 } = divided
const againMs = 100
const restMs = 20

/** One counter in each partition. */
const idsOf = (): string[] => {
  const found: string[] = []
  for (let at = 0; found.filter(Boolean).length < partitions; at++) {
    const id = `counter-${at}`
    found[partitionOfInput(divided, add, { id })] ??= id
  }
  return found
}

/**
 * Asks for one command after the other, each of any unit that is up, with its key until it is
 * answered; a unit that dies cuts its callers' connections.
 */
class Caller {
  answeredSentAt = 0
  answered = 0
  readonly #id: string
  readonly #random: SeededRandom
  readonly #clock: Clock
  readonly #members: () => readonly WorldMember[]
  #ending = false

  constructor(
    id: string,
    random: SeededRandom,
    clock: Clock,
    members: () => readonly WorldMember[],
  ) {
    this.#id = id
    this.#random = random
    this.#clock = clock
    this.#members = members
    void this.#work()
  }

  end(): void {
    this.#ending = true
  }

  async #work(): Promise<void> {
    for (let count = 0; !this.#ending; count++) {
      const sentAt = this.#clock.monotonic()
      while (!(await this.#ask(`${this.#id}/${count}`)) && !this.#ending)
        await sleep(this.#clock, againMs * (0.5 + this.#random.below(100) / 100))
      this.answeredSentAt = sentAt
      this.answered++
      await sleep(this.#clock, restMs)
    }
  }

  async #ask(idempotencyKey: string): Promise<boolean> {
    const up = this.#members().filter(({ host }) => host.alive)
    const { unit, host } = up[this.#random.below(up.length)] as WorldMember
    const cut = new Promise<boolean>((resolve) => host.whenGone(() => resolve(false)))
    const asked = unit.execute('add', { id: this.#id }, { idempotencyKey }).then(
      () => true,
      (error: unknown) => {
        if (isGridError(error) && error.retryable) return false
        throw error
      },
    )
    return await Promise.race([asked, cut])
  }
}

test(`whichever units are killed one after the other, every partition answers again at once: seed ${seed}`, async () => {
  const random = new SeededRandom(seed)
  for (let run = 0; run < runs; run++) {
    const world = new PartitionedWorld(divided, random.below(2 ** 20))
    const delayMsMax = [2, 20, 60][random.below(3)] as number
    Object.assign(world.network.faults, { delayMsMax, noticeMsMax: 20 })
    const members = await world.startSettled(4)
    const callers = idsOf().map((id) => new Caller(id, random, world.clock, () => members))
    for (let kills = 0; kills < 2; kills++) {
      await world.clock.advance(500 + random.below(500))
      const up = members.filter(({ host }) => host.alive)
      up[random.below(up.length)]?.host.crash()
      const killedAt = world.clock.monotonic()
      await world.until(() => callers.every(({ answeredSentAt }) => answeredSentAt >= killedAt))
      const outageMs = world.clock.monotonic() - killedAt
      // Two looks and an answer; then it is sent again, perhaps to another unit that looks too.
      expect(outageMs, `run ${run}, delays up to ${delayMsMax} ms`).toBeLessThan(
        500 + 16 * delayMsMax,
      )
      await world.settle(members.filter(({ host }) => host.alive))
    }
    for (const caller of callers) caller.end()
    const answered = callers.reduce((sum, caller) => sum + caller.answered, 0)
    expect(answered).toBeGreaterThan(100)
    await world.clock.advance(1000)
    await world.stop()
  }
})
