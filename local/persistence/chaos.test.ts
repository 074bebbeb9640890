import { expect, test } from 'vitest'
import { runChaos } from './chaos.ts'

const firstSeed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const seedCount = Number(process.env.SEEDS ?? 3)

// architecture.md, invariants 5 to 8
test.each(Array.from({ length: seedCount }, (_, n) => firstSeed + n))(
  'the store and the image stay exact, whatever dies: seed %i',
  { timeout: 60_000 },
  async (seed) => {
    const { problems, world } = await runChaos(seed, {
      steps: 800,
      keys: 40,
      damage: seed % 2 === 0,
    })
    if (problems.length > 0) console.log(world.events.slice(-40).join('\n'))
    expect(problems.slice(0, 5)).toEqual([])
  },
)
