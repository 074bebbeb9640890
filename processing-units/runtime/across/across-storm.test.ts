import { isGridError } from '@spacegrid/grid/core/errors'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { expect, onTestFinished, test } from 'vitest'
import { partitionOfInput } from '../partitions/partition-of.ts'
import { PartitionedWorld, type WorldMember } from '../partitions/test-support/partitioned-world.ts'
import { bank, deposit } from './test-support/divided-bank.ts'
import { leftOver } from './test-support/left-over.ts'

const firstSeed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 30))
const seeds = Array.from({ length: Number(process.env.SEEDS ?? 2) }, (_, at) => firstSeed + at)

/** Two accounts in each partition. */
const accounts = Array.from({ length: 4 }, (_, partition) => {
  const found: string[] = []
  for (let n = 0; found.length < 2; n++)
    if (partitionOfInput(bank, deposit, { id: `account-${n}` }) === partition)
      found.push(`account-${n}`)
  return found
}).flat()
const begin = 1000

// docs/decisions/0033: units die, stand still and come; messages are lost; every transfer that was
// asked for takes effect once, for each is asked again under its key until it is answered.
test.each(seeds)(
  'a storm leaves every transfer done once: seed %i',
  { timeout: 300_000 },
  async (seed) => {
    const random = new SeededRandom(seed)
    const world = new PartitionedWorld(bank, seed)
    onTestFinished(() => world.stop())
    const members = await world.startSettled(4)
    const alive = () => members.filter(({ host }) => host.alive)
    // All that are alive may stand still just then.
    const anyone = () => {
      const awake = alive().filter(({ host }) => !host.paused)
      const those = awake.length > 0 ? awake : alive()
      return those[random.below(those.length)] as WorldMember
    }
    for (const id of accounts)
      await world.settled(anyone().unit.execute('open', { id, amount: begin }))
    const expected = new Map(accounts.map((id) => [id, begin]))
    let open = 0
    /** Asks whoever is there until somebody answers: a unit that dies answers never. */
    const transfer = async (key: string) => {
      const from = accounts[random.below(accounts.length)] as string
      const to = accounts[random.below(accounts.length)] as string
      const amount = random.below(5)
      expected.set(from, (expected.get(from) as number) - amount)
      expected.set(to, (expected.get(to) as number) + amount)
      open++
      for (let done = false; !done; ) {
        const { host, unit } = anyone()
        const { promise: gone, resolve } = Promise.withResolvers<'gone'>()
        host.whenGone(() => resolve('gone'))
        const late = world.clock.after(15_000, () => resolve('gone'))
        try {
          const asked = unit.execute('transfer', { from, to, amount }, { idempotencyKey: key })
          done = (await Promise.race([asked, gone])) !== 'gone'
        } catch (error) {
          if (!isGridError(error) || error.code === 'rejected') throw error
          await new Promise<void>((again) => world.clock.after(50, again))
        }
        late.cancel()
      }
      open--
    }
    world.network.faults.loss = 0.01
    const all: Promise<void>[] = []
    for (let n = 0; n < 120; n++) {
      all.push(transfer(`key-${n}`))
      await world.clock.advance(random.below(20))
      if (n % 30 === 10) {
        const [victim] = alive().toSorted(() => random.below(3) - 1)
        victim?.host.crashAfter(random.below(30))
        members.push(world.start())
      } else if (n % 30 === 20) {
        const { host } = anyone()
        host.pause()
        world.clock.after(500 + random.below(6000), () => host.resume())
      }
    }
    await world.until(() => open === 0, 240_000)
    await Promise.all(all)
    world.network.faults.loss = 0
    await world.until(
      () => leftOver(members).length === 0 && anyone().unit.readiness().ready,
      120_000,
    )
    for (const id of accounts) {
      const asked = anyone().unit.query('balance', { id }, { latest: true })
      expect([id, (await world.settled(asked)).result]).toEqual([id, { balance: expected.get(id) }])
    }
  },
)
