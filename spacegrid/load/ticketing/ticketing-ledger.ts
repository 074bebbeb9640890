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

/**
 * What the users were told, kept apart from the grid: the other side of the books that the audit
 * compares. Every confirmation sent is in exactly one of three states: acknowledged, refused for
 * certain, or open.
 */
export class TicketingLedger {
  readonly orders: AcknowledgedOrder[] = []
  readonly refused: AcknowledgedHold[] = []
  /** By hold. */
  readonly open = new Map<string, AcknowledgedHold>()

  acknowledged(hold: AcknowledgedHold, orderId: string): void {
    this.open.delete(hold.holdId)
    this.orders.push({ ...hold, orderId })
  }

  notConfirmed(hold: AcknowledgedHold): void {
    this.open.delete(hold.holdId)
    this.refused.push(hold)
  }

  outcomeUnknown(hold: AcknowledgedHold): void {
    this.open.set(hold.holdId, hold)
  }
}
