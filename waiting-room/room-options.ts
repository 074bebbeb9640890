import type { LineName } from '@spacegrid/grid/core/waiting-room'
import type { PaceSettings } from './line-pace.ts'

/** Who may choose a lane without a claim. */
export interface LaneOptions {
  readonly lane: string
  /** Its part of the turns, compared with the other lanes'. */
  readonly share: number
  /** Whoever asks for it gets it; otherwise only who has a claim that was signed. */
  readonly isOpen: boolean
}

export interface RoomOptions extends PaceSettings {
  readonly lines: readonly LineName[]
  /** The last one is for everybody. */
  readonly lanes: readonly LaneOptions[]
  /** How long a ticket holds, ms. */
  readonly ticketMs: number
  /**
   * Where visitors go when it is their turn; `{space}` and `{key}` are filled in. Empty: nowhere.
   */
  readonly target: string
}

export const everybodysLane = ({ lanes }: Pick<RoomOptions, 'lanes'>): string =>
  lanes.at(-1)?.lane ?? 'general'

const laneText = /^([a-z][a-z0-9-]{0,31}):([1-9][0-9]{0,3})(:open)?$/

/**
 * Lanes as configuration names them: `accessible:2:open,fans:3,general:5`. Nobody waits in a lane
 * that is not named any more, so a lane is only taken away when it is empty.
 */
export function lanesNamed(text: string): {
  readonly lanes: readonly LaneOptions[]
  readonly problem?: string
} {
  const lanes: LaneOptions[] = []
  for (const one of text.split(',')) {
    const [, lane, share, open] = laneText.exec(one.trim()) ?? []
    if (lane === undefined) return { lanes, problem: `${JSON.stringify(one)} is no lane` }
    if (lanes.some((other) => other.lane === lane))
      return { lanes, problem: `${lane} is named twice` }
    lanes.push({ lane, share: Number(share), isOpen: open !== undefined })
  }
  return { lanes }
}
