import type { AuditStatus } from '../../engine/agreement/audit-status.ts'
import { type MetricKind, ofEachSpace, ofParts, pumpAndUnits } from './status-metric.ts'

const gauges = {
  drift: [
    'spacegrid_drift',
    'Replicas and stored copies whose digest differs from this one; 0: none',
  ],
  position: ['spacegrid_audit_position', 'Newest log position at which digests were compared'],
} as const satisfies Partial<Record<keyof AuditStatus, readonly [string, string]>>

const counters = {
  comparisons: ['spacegrid_audit_comparisons_total', 'Digests compared'],
  entriesCompared: ['spacegrid_audit_entries_total', 'Entries compared, values and all'],
  entriesDifferent: [
    'spacegrid_audit_entries_different_total',
    'Entries that had another value elsewhere under the same version',
  ],
  diverged: ['spacegrid_diverged_total', 'Times the replica left service because it differed'],
} as const satisfies Partial<Record<keyof AuditStatus, readonly [string, string]>>

const roles: MetricKind['roles'] = [...pumpAndUnits, 'data-reader']

/** architecture.md, invariant 9. */
export const auditMetrics = [
  ...Object.entries(gauges).map(([field, [name, help]]) =>
    ofEachSpace(
      { type: 'gauge', roles },
      name,
      help,
      ({ audit }) => audit?.[field as keyof typeof gauges],
    ),
  ),
  ...Object.entries(counters).map(([field, [name, help]]) =>
    ofEachSpace(
      { type: 'counter', roles },
      name,
      help,
      ({ audit }) => audit?.[field as keyof typeof counters],
    ),
  ),
  ofEachSpace(
    { type: 'gauge', roles },
    'spacegrid_audit_timestamp_seconds',
    'When digests were compared last, by the clock of the process; 0: never',
    ({ audit }) => audit && audit.at / 1000,
  ),
  ofParts(
    { type: 'gauge', roles },
    ['spacegrid_audit_peer_differs', '1 while the digest of this replica or stored copy differs'],
    ['peer', 'peer_role'],
    ({ audit }) =>
      (audit?.peers ?? []).flatMap(({ name, role, agrees }) =>
        agrees === undefined
          ? []
          : [{ labels: { peer: name, peer_role: role }, value: agrees ? 0 : 1 }],
      ),
  ),
]
