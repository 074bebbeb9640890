import { NatsMessaging } from '@spacegrid/grid/drivers/nats/nats-messaging'
import type { Messaging } from '@spacegrid/grid/engine/ports/messaging'
import { readTicketingSettings } from '@spacegrid/ticketing/settings'
import { createTicketing } from '@spacegrid/ticketing/space'
import { NatsPayments } from './nats-payments.ts'

export { tickets } from '@spacegrid/ticketing/tickets'

let opened: Promise<Messaging> | undefined

/** Ticketing whose orders are paid over NATS, and become tickets: for `spacegrid unit`. */
export const ticketing = createTicketing({
  ...readTicketingSettings(),
  payments: new NatsPayments(() => {
    opened ??= NatsMessaging.open(process.env.NATS_URL ?? '', { name: 'pays' }).catch((error) => {
      opened = undefined
      throw error
    })
    return opened
  }),
})
