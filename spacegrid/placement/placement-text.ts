import type { MemberStatus } from '@spacegrid/grid/engine/placement/placement-status'
import type { HeardPlacement } from './heard-placement.ts'

/** For people: units, then partitions, then what is not as it should be. */
export function placementText(placement: HeardPlacement): string {
  const { space, partitions, members, keepers, readers, homes, queryUnits } = placement
  const copies = Math.min(placement.copies, members.length)
  const units = table([
    ['UNIT', 'ZONE', 'HOME OF', 'KEEPS', 'MOVING', ''],
    ...members.map((member) => [
      member.name,
      member.zone ?? '-',
      String(homes.filter((home) => home === member.name).length),
      ...keptOf(member),
    ]),
    ...(queryUnits?.members ?? []).map((member) => [
      member.name,
      member.zone ?? '-',
      'queries',
      ...keptOf(member),
    ]),
  ])
  const rows = table([
    ['PARTITION', 'HOME', 'ALSO KEPT BY', ...(queryUnits ? ['QUERIES'] : [])],
    ...keepers.map(([home, ...others], partition) => [
      String(partition),
      home ?? 'nobody',
      others.join(', ') || '-',
      ...(queryUnits ? [readers[partition]?.join(', ') || '-'] : []),
    ]),
  ])
  const parts = [
    count(partitions, 'partition'),
    `${count(copies, 'copy', 'copies')} of each`,
    count(members.length, 'unit'),
    ...(queryUnits ? [count(queryUnits.members.length, 'query unit')] : []),
  ]
  return `${space}: ${parts.join(', ')}\n\n${units}\n\n${rows}\n\n${verdict(placement)}\n`
}

const keptOf = (member: MemberStatus): string[] => [
  String(member.ready.length),
  movingOf(member),
  stateOf(member),
]

const movingOf = ({ joining, leaving }: MemberStatus): string =>
  [
    ...(joining.length > 0 ? [`+${joining.join(',')}`] : []),
    ...(leaving.length > 0 ? [`-${leaving.join(',')}`] : []),
  ].join(' ') || '-'

const stateOf = ({ full, stopping }: MemberStatus): string =>
  [...(full ? ['memory full'] : []), ...(stopping ? ['stopping'] : [])].join(', ')

function verdict({ homes, scarce, missing, moving, queryUnits }: HeardPlacement): string {
  const lost = homes.flatMap((home, partition) => (home === null ? [partition] : []))
  const what = queryUnits ? 'commands' : 'requests'
  const lines = [
    ...(lost.length > 0 ? [`Nobody keeps ${lost.join(', ')} ready: ${what} for them fail.`] : []),
    ...lackOf('copies', 'units', { scarce, missing, moving }),
    ...(queryUnits ? lackOf('copies for queries', 'query units', queryUnits) : []),
  ]
  return lines.length > 0 ? lines.join('\n') : 'Everything is kept as often as it should be.'
}

function lackOf(
  copies: string,
  units: string,
  { scarce, missing, moving }: Pick<HeardPlacement, 'scarce' | 'missing' | 'moving'>,
): string[] {
  const counted = (number: number) => count(number, copies.replace('copies', 'copy'), copies)
  return [
    ...(scarce.length > 0 ? [`Fewer ${copies} than there should be: ${scarce.join(', ')}.`] : []),
    ...(moving > 0 ? [`On their way into memory: ${counted(moving)}.`] : []),
    ...(missing > 0 ? [`No room for ${counted(missing)}: more ${units} are wanted.`] : []),
  ]
}

const count = (number: number, one: string, more = `${one}s`): string =>
  `${number} ${number === 1 ? one : more}`

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
