/** Seats that the grid said it holds for a customer. */
export interface AcknowledgedHold {
  readonly holdId: string
  readonly customerId: string
  /** Unlike those of every other event: see `seatOf`. */
  readonly seatIds: readonly string[]
}

export interface AcknowledgedOrder extends AcknowledgedHold {
  readonly orderId: string
}

/** A confirmation nobody knows the outcome of, with what it takes to ask again. */
export interface OpenConfirmation {
  readonly hold: AcknowledgedHold
  readonly input: unknown
  readonly idempotencyKey: string
}

/**
 * What the users were told, kept apart from the grid: the other side of the books that the audit
 * compares. Every confirmation sent is in exactly one of three states: acknowledged, refused for
 * certain, or open.
 */
export class TicketingLedger {
  readonly orders: AcknowledgedOrder[] = []
  readonly refused: AcknowledgedHold[] = []
  /** By idempotency key. */
  readonly open = new Map<string, OpenConfirmation>()

  acknowledged(hold: AcknowledgedHold, orderId: string): void {
    this.orders.push({ ...hold, orderId })
  }

  notConfirmed(hold: AcknowledgedHold): void {
    this.refused.push(hold)
  }

  outcomeUnknown(confirmation: OpenConfirmation): void {
    this.open.set(confirmation.idempotencyKey, confirmation)
  }
}
