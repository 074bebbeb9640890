import type { TicketCrowd } from './ticket-crowd.ts'
import { waitFor } from './wait-for.ts'

/**
 * Waits until so many more commands of the crowd have been acknowledged: the grid works, or works
 * again.
 */
export async function goesOn(crowd: TicketCrowd, count = 100): Promise<void> {
  const before = crowd.ledger.acknowledged
  await waitFor(() => crowd.ledger.acknowledged >= before + count, {
    what: `${count} more commands to be acknowledged`,
    timeoutMs: 60_000,
  })
}
