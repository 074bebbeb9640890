import type { AuditRow, SpaceAuditReport } from './space-audit.ts'
import type { Difference } from './state-comparison.ts'

/** What people read: a table, then where the copies differ. */
export function reportText(report: SpaceAuditReport): string {
  const { space, rows, reference, seconds } = report
  const cells = [
    ['WHO', 'ROLE', 'POSITION', 'ENTRIES', 'DIGEST', 'EQUAL'],
    ...rows.map((row) => [
      row.name,
      row.role,
      String(row.position ?? '-'),
      String(row.entries ?? '-'),
      row.digest ?? '-',
      equalText(row),
    ]),
  ]
  const widths = cells[0]?.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  )
  const table = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [
    `${space}: ${rows.length} copies, each compared with ${reference}'s at its own position, in ${seconds.toFixed(1)} s`,
    '',
    ...table,
    ...rows.flatMap(details),
    '',
    conclusion(report),
    '',
  ].join('\n')
}

const equalText = ({ equal }: AuditRow): string =>
  equal === undefined ? 'unknown' : equal ? 'yes' : 'NO'

function details({ name, notes, differences, differenceCount }: AuditRow): string[] {
  if (notes.length === 0 && differenceCount === 0) return []
  const rest = differenceCount - differences.length
  return [
    '',
    `${name}:`,
    ...notes.map((note) => `  ${note}`),
    ...differences.map((difference) => `  ${differenceText(difference)}`),
    ...(rest > 0 ? [`  … and ${rest} more keys`] : []),
  ]
}

function differenceText({ cache, key, kind, version, expectedVersion }: Difference): string {
  const entry = `${cache} ${JSON.stringify(key)}`
  switch (kind) {
    case 'missing':
      return `${entry} is missing; the others have version ${expectedVersion}`
    case 'extra':
      return `${entry} is there with version ${version}; the others have no such entry`
    case 'version':
      return `${entry} has version ${version}; the others have ${expectedVersion}`
    case 'value':
      return `${entry} has another value under the same version ${version}`
  }
}

function conclusion({ space, equal, complete, rows }: SpaceAuditReport): string {
  const names = (which: boolean | undefined) =>
    rows.filter((row) => row.equal === which).map(({ name }) => name)
  if (!equal) return `DIFFERENT: ${names(false).join(', ')}`
  if (!complete) return `${space}: not all could be compared: ${names(undefined).join(', ')}`
  return `${space}: all equal`
}
