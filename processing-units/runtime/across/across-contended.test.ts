import { defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { expect, onTestFinished, test } from 'vitest'
import { PartitionedWorld } from '../partitions/test-support/partitioned-world.ts'
import { accounts, balance, open, withdraw } from './test-support/divided-bank.ts'

const touchAll = defineCommand('touchAll', {
  input: Type.Object({ ids: Type.Array(Type.String()) }),
  parts: ({ ids }) => ids.map((id) => ({ command: withdraw, input: { id, amount: 0 } })),
})

const space = defineSpace('bank', {
  partitions: 4,
  caches: [accounts],
  commands: [open, withdraw, touchAll],
  queries: [balance],
})

const ids = Array.from({ length: 8 }, (_, n) => `account-${n}`)
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 30))

// docs/decisions/0038: sixteen callers that all want two to four of eight entries.
test(`nobody fails, and nobody waits much longer than the others: seed ${seed}`, async () => {
  const world = new PartitionedWorld(space, seed)
  onTestFinished(() => world.stop())
  const members = await world.startSettled(4)
  for (const id of ids) await world.settled(members[0]!.unit.execute('open', { id, amount: 100 }))
  const took: number[] = []
  let left = 200
  const caller = async (number: number) => {
    const random = new SeededRandom(seed + number)
    while (left-- > 0) {
      const chosen = new Set<string>()
      for (const count = 2 + random.below(3); chosen.size < count; )
        chosen.add(ids[random.below(ids.length)] as string)
      const from = world.clock.monotonic()
      await members[number % 4]!.unit.execute('touchAll', { ids: [...chosen] })
      took.push(world.clock.monotonic() - from)
    }
  }
  let over = false
  const all = Promise.all(Array.from({ length: 16 }, (_, n) => caller(n))).finally(() => {
    over = true
  })
  while (!over) await world.clock.advance(1)
  await all
  const mean = took.reduce((sum, ms) => sum + ms, 0) / took.length
  // Without turns the longest took eight times as long as the mean and more, and some failed.
  expect(Math.max(...took) / mean).toBeLessThan(4)
})
