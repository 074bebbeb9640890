import type { PermissionName } from '../../core/access.ts'
import type { Caller } from './caller.ts'
import type { RequestHeaders } from './request.ts'
import type { Serving } from './serving.ts'

/** What differs between a command, a query and the reading of an entry. */
export interface Steps<Asked, Answer> {
  /** @throws GridError `overloaded` */
  readonly turnAway?: (unit: Serving, caller: Caller, request: RequestHeaders) => void
  /** @throws GridError `invalid_header` */
  ask(request: RequestHeaders, caller: Caller): Asked
  run(unit: Serving, input: unknown, asked: Asked, request: RequestHeaders): Promise<Answer>
  /** What it takes besides what it takes to come in, where not everybody may everything. */
  readonly permissions?: (input: unknown, asked: Asked) => readonly PermissionName[]
}
