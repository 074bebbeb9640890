import type { SpaceLine, SpaceShown } from './reactions-desk.ts'

const faultShownMax = 70

/** A table of what is in outboxes. */
export function linesText(lines: readonly SpaceLine[]): string {
  const cells = [
    ['ID', 'SPACE', 'REACTION', 'KEY', 'STATE', 'NEXT', 'ATTEMPTS', 'EMITTED', 'FAULT'],
    ...lines.map((line) => [
      ...[line.id, line.space, line.reaction, line.key ?? '-', line.state, line.next],
      ...[String(line.attempts), secondOf(line.at), shortened(line.fault ?? '-')],
    ]),
  ]
  const widths = cells[0]?.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  )
  const rows = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${rows.join('\n')}\n`
}

/** One of them in full. */
export function shownText({ space, entry, ...line }: SpaceShown): string {
  const { id, reaction, event, key, state, next, attempts, at, dead, fault } = line
  const json = (value: unknown) => JSON.stringify(value, null, 2)
  return [
    `id        ${id}`,
    `space     ${space}`,
    `reaction  ${reaction}${key === undefined ? '' : `, key ${key}`}`,
    `event     ${event}, emitted ${secondOf(at)}`,
    `state     ${state}${dead === undefined ? '' : ` since ${secondOf(dead)}`}`,
    `next      ${next}, ${attempts} attempts have failed`,
    ...(fault === undefined ? [] : [`fault     ${fault}`]),
    ...(entry.failure ? [`failed    ${entry.failure.step}: ${entry.failure.reason}`] : []),
    'payload',
    json(entry.payload),
    ...(entry.results ? ['results', json(entry.results)] : []),
    '',
  ].join('\n')
}

const secondOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= faultShownMax ? line : `${line.slice(0, faultShownMax - 1)}…`
}
