import { defineCache, defineCommand, defineSpace, Type } from '@spacegrid/grid/core/define'
import { isGridError } from '@spacegrid/grid/core/errors'
import { InProcessMessaging } from '@spacegrid/grid/drivers/embedded/in-process-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { type AppendFate, SimulatedLog } from '@spacegrid/grid/kit/simulated-log'
import { SimulatedStream } from '@spacegrid/grid/kit/simulated-stream'
import { afterEach, expect, test } from 'vitest'
import { ProcessingUnit } from './processing-unit.ts'

const accounts = defineCache('accounts', {
  schema: Type.Object({ id: Type.String(), balance: Type.Integer(), bank: Type.String() }),
  key: 'id',
  indexes: { byBank: ['bank', 'id'] },
})

const open = defineCommand('open', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => {
    if (tx.get(accounts, id)) tx.reject('exists')
    tx.put(accounts, { id, balance: 100, bank: 'b' })
  },
})

const transfer = defineCommand('transfer', {
  input: Type.Object({ from: Type.String(), to: Type.String(), amount: Type.Integer() }),
  handler: (tx, { from, to, amount }) => {
    const source = tx.get(accounts, from) ?? tx.reject('unknown')
    const target = tx.get(accounts, to) ?? tx.reject('unknown')
    if (from === to || source.balance < amount) tx.reject('insufficient')
    tx.put(accounts, { ...source, balance: source.balance - amount })
    tx.put(accounts, { ...target, balance: target.balance + amount })
  },
})

/** Reads everything: any transfer that commits in between makes it collide. */
const audit = defineCommand('audit', {
  input: Type.Object({}),
  handler: (tx) => ({
    sum: tx
      .range(accounts, 'byBank', { equals: ['b'] })
      .reduce((sum, { balance }) => sum + balance, 0),
  }),
})

const deposit = defineCommand('deposit', {
  input: Type.Object({ id: Type.String() }),
  handler: (tx, { id }) => ({
    balance: tx.increment(accounts, id, 'balance', 1, { otherwise: 'unknown' }),
  }),
})

const bank = defineSpace('bank', { caches: [accounts], commands: [open, transfer, audit, deposit] })

const units: ProcessingUnit[] = []
afterEach(async () => {
  await Promise.all(units.splice(0).map((unit) => unit.stop()))
})

const accountCount = 8

/**
 * architecture.md, invariants 2, 3 and 5: lost, doubled, late and unanswered appends change nothing
 * but the time it takes.
 */
test.each([1, 2, 3, 4])(
  'money is neither made nor lost on an unreliable log (seed %i)',
  { timeout: 60_000 },
  async (seed) => {
    const random = new SeededRandom(seed)
    const chance = () => random.integer() / 2 ** 53
    const clock = new SystemClock()
    const stream = new SimulatedStream(clock)
    const messaging = new InProcessMessaging(clock)
    const fate = (): AppendFate => {
      const luck = chance()
      if (luck < 0.1) return { copies: 0 }
      if (luck < 0.2) return { copies: 2 }
      if (luck < 0.3) return { delayMs: 30 * chance() }
      return luck < 0.4 ? { answered: false } : {}
    }
    for (let i = 0; i < 3; i++) {
      const log = new SimulatedLog(clock, stream, { timeoutMs: 40 })
      log.fate = fate
      const unit = new ProcessingUnit(
        `unit-${i}`,
        bank,
        { log, messaging, clock, random: new SeededRandom(seed * 10 + i) },
        {
          sources: ['log'],
          republishMs: 30,
          attemptsMax: 10_000,
          deadlinePositions: 8,
          commandMsMax: 40_000,
        },
      )
      units.push(unit)
      unit.start()
    }
    await expect
      .poll(() => units.every((unit) => unit.readiness().ready), { timeout: 10_000 })
      .toBe(true)
    const unit = () => units[Math.floor(chance() * 3)] as ProcessingUnit
    const account = () => `a${Math.floor(chance() * accountCount)}`
    await Promise.all(
      Array.from({ length: accountCount }, (_, i) => unit().execute('open', { id: `a${i}` })),
    )
    let deposits = 0
    let audits = 0
    const work = Array.from({ length: 300 }, async (_, i) => {
      // Spread over time, so that frames of all units interleave.
      await new Promise((wake) => setTimeout(wake, chance() * 400))
      try {
        if (i % 10 === 0) {
          const answer = (await unit().execute('audit', {})).result as { sum: number }
          expect(answer.sum).toBeGreaterThanOrEqual(accountCount * 100)
          expect(answer.sum).toBeLessThanOrEqual(accountCount * 100 + 300)
          audits++
        } else if (i % 3 === 0) {
          await unit().execute('deposit', { id: account() }, { idempotencyKey: `d${i}` })
          deposits++
        } else
          await unit().execute('transfer', {
            from: account(),
            to: account(),
            amount: 1 + Math.floor(chance() * 60),
          })
      } catch (error) {
        if (!isGridError(error, 'rejected')) throw error
      }
    })
    await Promise.all(work)
    for (const one of units) {
      const { result } = await one.execute('audit', {})
      expect(result).toEqual({ sum: accountCount * 100 + deposits })
    }
    expect(audits).toBe(30)
    await expect.poll(() => new Set(units.map((one) => one.status().digest)).size).toBe(1)
  },
)
