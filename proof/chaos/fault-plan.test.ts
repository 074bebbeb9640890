import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { FaultPlan } from './fault-plan.ts'
import type { Victim } from './victim.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

test(`whoever takes long to come back is left in peace for it: seed ${seed}`, async () => {
  const away = new Set<string>()
  const met: string[][] = []
  const victims = Array.from({ length: 4 }, (_, at): Victim => {
    const name = `victim-${at}`
    return {
      ...{ role: 'victim', name },
      kill: async () => {
        met.push([...away])
        await sleep(1)
        away.add(name)
      },
      restart: async () => {
        await sleep(30)
        away.delete(name)
      },
      pause: async () => undefined,
      resume: async () => undefined,
    }
  })
  const plan = new FaultPlan(victims, { seed, cycleMs: { min: 0, max: 2 }, awayMsMax: 0 })
  for (let cycle = 0; cycle < 12; cycle++) await plan.cycle()
  await plan.recovered()
  expect(met.length).toBeGreaterThanOrEqual(12)
  expect(met.flat()).toEqual([])
})
