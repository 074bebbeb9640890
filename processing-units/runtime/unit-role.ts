import { unitRoles } from '@spacegrid/grid/engine/placement/member'
import type { Environment } from '@spacegrid/grid/program/environment'

type UnitRole = (typeof unitRoles)[keyof typeof unitRoles]

/** As others know a process; a spare as what it will be when it is called up. */
export const unitRoleOf = ({ ROLE }: Pick<Environment, 'ROLE'>): UnitRole =>
  ROLE === 'query' ? unitRoles.queries : unitRoles.commands
