import type { PositionToken } from '../../core/position.ts'
import type { Origin } from './caller.ts'

/** What a request says beside its input. */
export interface RequestHeaders {
  /**
   * The value of a header that may come once, in whatever case its name is written.
   * @throws GridError `invalid_header`: it comes several times
   */
  header(name: string): string | undefined
  /** All values of a header, joined by commas. */
  headers(name: string): string | undefined
}

/**
 * A request as its door hands it to the pipeline, with the way back. Nothing of it has been looked
 * at yet: whatever is wrong with it is thrown when it is asked for, as a GridError. Lives as long
 * as the request.
 */
export interface Request<Asked, Answer, Sent> extends Origin, RequestHeaders {
  /** @throws GridError when what came cannot be read */
  input(): unknown
  /**
   * A promise where the answer is long: it is written in slices.
   * @throws GridError when it does not fit into what the door can send
   */
  answer(answer: Answer, asked: Asked): Sent | Promise<Sent>
  /**
   * The request ends with an error.
   * @param position of the unit that was asked
   */
  refuse(error: unknown, position: PositionToken): Sent
}
