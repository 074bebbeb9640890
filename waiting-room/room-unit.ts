import type { WaitingRoomStatus } from '@spacegrid/grid/doors/request/waiting-room-status'
import { ProcessingUnit } from '@spacegrid/runtime/processing-unit'

/** The processing unit of a waiting room: a replica of the space that lines are kept in. */
export class RoomUnit extends ProcessingUnit {
  /** Undefined until the waiting room is there. */
  room: { status(): WaitingRoomStatus } | undefined

  override status() {
    const waitingRoom = this.room?.status()
    return { ...super.status(), ...(waitingRoom ? { waitingRoom } : {}) }
  }
}
