import { AuditConnections, type AuditedServers } from 'spacegrid/audit/audit-targets'
import { type AuditRow, auditSpace, findReplicas } from 'spacegrid/audit/space-audit'
import { waitUntil } from 'spacegrid/servers/wait-until'

/** All tell themselves within a second; who is missed is waited for. */
const listenMs = 1250
/** Differing entries that are shown of each copy. */
const differencesMax = 5

/**
 * Compares every value of every copy, as `npx spacegrid audit` does: so many units, the pumps,
 * MongoDB and, unless `urls` leaves it out, the warm image. What could not be compared is a finding
 * as well.
 */
export async function auditCopies(
  urls: AuditedServers,
  space: string,
  units: number,
  waitMs: number,
): Promise<string[]> {
  const connections = await AuditConnections.open(urls, 'spacegrid')
  const { messaging, clock } = connections
  try {
    const replicas = await waitUntil(
      async () => {
        const found = await findReplicas(space, messaging, clock, listenMs)
        const count = found.filter(({ role }) => role === 'unit').length
        return count === units && found.length > units ? found : undefined
      },
      { timeoutMs: waitMs, what: `${units} units and a pump to tell that they hold ${space}` },
    )
    const ports = await connections.portsOf(space)
    const { rows } = await auditSpace(ports, replicas, { logName: space, waitMs, differencesMax })
    return rows.filter(({ equal }) => equal !== true).map(problemOf)
  } finally {
    await connections.close()
  }
}

function problemOf({ name, position, notes, differences, differenceCount }: AuditRow): string {
  const shown = differences.map((difference) => JSON.stringify(difference)).join(', ')
  return `${name} at ${position}: ${notes.join('; ')} ${differenceCount} entries differ: ${shown}`
}
