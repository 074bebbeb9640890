import { logNameOf } from '@spacegrid/grid/core/log-name'
import { JetStreamLog } from '@spacegrid/grid/drivers/nats/jetstream-log'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SystemClock } from '@spacegrid/grid/drivers/system/system-clock'
import { SystemRandom } from '@spacegrid/grid/drivers/system/system-random'
import { uniqueName } from '@spacegrid/proof/support/unique-name'
import { waitFor } from '@spacegrid/proof/support/wait-for'
import { expect, inject, onTestFinished, test } from 'vitest'
import { partitionOfInput } from '../partitions/partition-of.ts'
import { PartitionedUnit } from '../partitions/partitioned-unit.ts'
import { bank, deposit } from './test-support/divided-bank.ts'

const natsUrl = inject('natsUrl')
const space = { ...bank, name: uniqueName('bank') }
const clock = new SystemClock()
const random = new SystemRandom()

const accounts: string[] = []
for (let n = 0; accounts.length < 4; n++)
  if (partitionOfInput(space, deposit, { id: `account-${n}` }) === accounts.length)
    accounts.push(`account-${n}`)

async function startUnit(name: string): Promise<PartitionedUnit> {
  const messaging = await NatsMessaging.open(natsUrl, { name })
  const unit = new PartitionedUnit(
    name,
    space,
    {
      ...{ messaging, clock, random },
      open: async (partition) => {
        const logName = logNameOf(space.name, partition)
        const stream = `SPACE_${logName.replace('.', '-')}_LOG`
        const log = await JetStreamLog.open(natsUrl, {
          stream,
          subject: `spacegrid.${logName}.log`,
        })
        return { log, messaging, clock, random, close: () => log.close() }
      },
    },
    { unit: { sources: ['peer', 'log'] }, relieveMsMax: 0 },
  )
  onTestFinished(async () => {
    await unit.stop()
    await messaging.close()
  })
  unit.start()
  return unit
}

const middle = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[times.length >>> 1] as number

// partitions.md, section 6, is measured with the rest (bench); this prints what it saw on its way.
test('transfers over a real server keep all the money, whichever unit is asked', async () => {
  const units = await Promise.all(['one', 'other'].map((name) => startUnit(name)))
  await waitFor(() => units.every((unit) => unit.readiness().ready), {
    what: 'both units are ready',
    timeoutMs: 30_000,
  })
  const execute = (n: number, name: string, input: object) =>
    (units[n % 2] as PartitionedUnit).execute(name, input)
  for (const id of accounts) await execute(0, 'open', { id, amount: 1000 })
  const transfer = (n: number) => {
    const [from, to] = [accounts[n % 4], accounts[(n + 1) % 4]]
    return execute(n, 'transfer', { from, to, amount: 1 })
  }
  const timed = async (run: () => Promise<unknown>) => {
    const begun = performance.now()
    await run()
    return performance.now() - begun
  }
  const alone: number[] = []
  const across: number[] = []
  for (let n = 0; n < 100; n++) {
    const id = accounts[n % 4]
    alone.push(await timed(() => execute(n, 'deposit', { id, amount: 0 })))
    across.push(await timed(() => transfer(n)))
  }
  await Promise.all(Array.from({ length: 100 }, (_, n) => transfer(n)))
  const { result } = await execute(0, 'sum', { ids: accounts })
  expect(result).toEqual({ total: 4000 })
  const held = () =>
    units
      .flatMap((unit) => [...unit.parts.values()])
      .reduce((count, part) => count + (part.state?.holds.size ?? 0), 0)
  await waitFor(() => held() === 0, { what: 'nothing is held any more' })
  process.stdout.write(
    `p50: one partition ${middle(alone).toFixed(2)} ms, two ${middle(across).toFixed(2)} ms\n`,
  )
})
