import { GridError } from '@spacegrid/grid/core/errors'
import type { AuditRequest } from '@spacegrid/grid/doors/admin/admin-server'
import type { EmbeddedGrid } from '../embedded/embedded-grid.ts'
import { auditSpace, findReplicas, type SpaceAuditReport } from './space-audit.ts'

/** The audit of a grid in this process, which nobody can look into from outside. */
export async function auditEmbedded(
  grid: EmbeddedGrid,
  { spaces = [...grid.ports.keys()], differencesMax, waitMs }: AuditRequest,
): Promise<SpaceAuditReport[]> {
  const reports: SpaceAuditReport[] = []
  for (const space of spaces) {
    const ports = grid.ports.get(space)
    if (!ports)
      throw new GridError(
        'unknown_space',
        `There is no space ${space}; there are ${[...grid.ports.keys()].join(', ')}`,
      )
    const replicas = await findReplicas(space, ports.messaging, ports.clock)
    reports.push(await auditSpace(ports, replicas, { logName: space, differencesMax, waitMs }))
  }
  return reports
}
