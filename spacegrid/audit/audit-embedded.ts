import { GridError } from '@spacegrid/grid/core/errors'
import type { AuditRequest } from '@spacegrid/grid/doors/admin/admin-server'
import type { EmbeddedGrid } from '../embedded/embedded-grid.ts'
import { logsMeant } from './logs-meant.ts'
import { auditSpace, findReplicas, type SpaceAuditReport } from './space-audit.ts'

/** The audit of a grid in this process, which nobody can look into from outside. */
export async function auditEmbedded(
  grid: EmbeddedGrid,
  { spaces, differencesMax, waitMs }: AuditRequest,
): Promise<SpaceAuditReport[]> {
  const reports: SpaceAuditReport[] = []
  for (const logName of logsMeant(spaces, [...grid.ports.keys()])) {
    const ports = grid.ports.get(logName)
    if (!ports)
      throw new GridError(
        'unknown_space',
        `There is no space ${logName}; there are ${[...grid.ports.keys()].join(', ')}`,
      )
    const replicas = await findReplicas(logName, ports.messaging, ports.clock)
    reports.push(await auditSpace(ports, replicas, { logName, differencesMax, waitMs }))
  }
  return reports
}
