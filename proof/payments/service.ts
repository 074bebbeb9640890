import { appendFileSync, closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { Rejection } from '@spacegrid/grid/core/errors'
import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import { SeededRandom } from '@spacegrid/grid/kit/seeded-random'
import { type AskedPayment, subjectOf } from './nats-payments.ts'

/*
 * A payment service as a process of its own: NATS_URL, LEDGER (a file that it appends to, and reads
 * when it starts), SEED. It answers on NATS, fails at times, before or behind what it was asked
 * for, and refuses some customers. Under one id it does nothing twice.
 */

const { NATS_URL: url = '', LEDGER: ledger = '', SEED: seed = '1' } = process.env
const random = new SeededRandom(Number(seed))
/** By id of the payment. */
const states = new Map<string, 'paid' | 'refunded'>()
if (existsSync(ledger))
  for (const line of readFileSync(ledger, 'utf8').split('\n').filter(Boolean)) {
    const [id = '', state] = line.split(' ')
    states.set(id, state as 'paid' | 'refunded')
  }
const file = openSync(ledger, 'a')

function note(id: string, state: 'paid' | 'refunded'): void {
  if (states.get(id) === state) return
  appendFileSync(file, `${id} ${state}\n`)
  states.set(id, state)
}

const answered = (answer: object) => ({ data: Buffer.from(JSON.stringify(answer)) })

const messaging = await NatsMessaging.open(url, { name: 'payments' })
const service = await messaging.serve({
  name: 'payments',
  version: '1.0.0',
  endpoints: (['charge', 'refund'] as const).map((what) => ({
    subject: subjectOf(what),
    respond: async ({ data }) => {
      const { id, customerId } = JSON.parse(Buffer.from(data).toString()) as AskedPayment
      // A refund does not fail for good: that would be a matter for people.
      const fate = random.below(100)
      if (fate < 8) throw new Rejection('away')
      if (what === 'refund') note(id, 'refunded')
      else if (states.get(id) === 'refunded') return answered({ refused: 'refunded' })
      else if (customerId.endsWith('7')) return answered({ refused: 'no_money' })
      else note(id, 'paid')
      // It has done it, and nobody hears of it.
      if (fate < 16) await new Promise<never>(() => undefined)
      return answered({ receipt: `receipt-${id}` })
    },
  })),
})
process.stdout.write('ready\n')
process.once('SIGTERM', async () => {
  await service.stop()
  await messaging.close()
  closeSync(file)
})
