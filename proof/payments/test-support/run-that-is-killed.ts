import { PaymentProcess } from '../payment-process.ts'

/**
 * The other process of `payment-process.nats.test.ts`: starts the payment service, says its id, and
 * waits until it is killed. `node run-that-is-killed.ts NATS_URL LEDGER`
 */
const [nats = '', ledger = ''] = process.argv.slice(2)
const payments = new PaymentProcess(nats, ledger)
await payments.restart()
process.stdout.write(`${payments.pid}\n`)
