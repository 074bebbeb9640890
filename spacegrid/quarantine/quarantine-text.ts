import type { LogName } from '@spacegrid/grid/core/log-name'
import type { QuarantinedEntry } from '@spacegrid/grid/engine/ports/store'

/** An entry in quarantine, and the space, or partition, it belongs to. */
export interface SpaceEntry extends QuarantinedEntry {
  /** The name of its log. */
  readonly space: LogName
}

const reasonShownMax = 70
const valueShownMax = 20_000

export const nameOf = ({ space, cache, key }: SpaceEntry): string =>
  `${space} ${cache} ${JSON.stringify(key)}`

export function tableText(entries: readonly SpaceEntry[]): string {
  const cells = [
    ['SPACE', 'CACHE', 'KEY', 'SINCE', 'FIRST', 'LATEST', 'VERSIONS', 'BYTES', 'CODE', 'REASON'],
    ...entries.map((entry) => [
      ...[entry.space, entry.cache, JSON.stringify(entry.key), secondOf(entry.since)],
      ...[entry.firstPosition, entry.position, entry.versions, entry.bytes].map(String),
      ...[String(entry.code ?? '-'), shortened(entry.reason)],
    ]),
  ]
  const widths = cells[0]?.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  )
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

export function entryText(entry: SpaceEntry, value: unknown): string {
  const { space, cache, code, reason, firstPosition, position, versions, bytes, since } = entry
  const json = valueText(value)
  const shown =
    json.length > valueShownMax
      ? `${json.slice(0, valueShownMax)}\n… ${json.length - valueShownMax} more characters: --output FILE writes all of it`
      : json
  return [
    `space     ${space}`,
    `cache     ${cache}`,
    `key       ${JSON.stringify(entry.key)}`,
    `refused   since ${secondOf(since)}, log position ${firstPosition}`,
    `latest    version ${entry.version} at log position ${position}; ${versions} refused so far`,
    `size      ${bytes} bytes`,
    `reason    ${reason}${code === undefined ? '' : ` (${code})`}`,
    'value',
    shown,
    '',
  ].join('\n')
}

/** JSON for people; bytes, which JSON does not have, as what they are in base64. */
export const valueText = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, field) =>
      field instanceof Uint8Array ? { $bytes: Buffer.from(field).toString('base64') } : field,
    2,
  )

const secondOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= reasonShownMax ? line : `${line.slice(0, reasonShownMax - 1)}…`
}
