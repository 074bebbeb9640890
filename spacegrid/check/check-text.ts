import type { StoredCheck } from './check-stored.ts'
import type { CacheCheck, SpaceCheck } from './space-check.ts'

/** A check for people. */
export function checkText(check: StoredCheck): string {
  return [headOf(check), ...linesOf(check).map((line) => `  ${line}`), ''].join('\n')
}

function headOf({ space, holds, position, isFull }: StoredCheck): string {
  const verdict = holds ? 'fits' : 'would not hold'
  if (position === undefined) return `${space}: ${verdict} (nothing is stored yet)`
  const looked = isFull ? 'every entry' : 'a sample of the entries'
  return `${space}: ${verdict} (${looked} as stored at position ${position})`
}

function linesOf({ conflict, additions, notes, caches }: SpaceCheck): string[] {
  return [
    ...(conflict === undefined ? [] : [`contradicts the log: ${conflict}`]),
    ...caches.flatMap(cacheLines),
    ...additions.map((addition) => `adds ${addition}`),
    ...notes.map(({ level, message }) => `${level === 'warn' ? 'note' : 'keeps'}: ${message}`),
  ]
}

function cacheLines({ cache, entries, findings, ...ways }: CacheCheck): string[] {
  const counts = Object.entries(ways).filter(([, count]) => count > 0)
  const read = counts.map(([how, count]) => `${count} ${how}`).join(', ')
  return [
    `cache ${cache}: ${entries} ${entries === 1 ? 'entry' : 'entries'}${read === '' ? '' : `: ${read}`}`,
    ...findings.map(({ how, field, message, entries: count, keys }) => {
      const named = keys.map((key) => JSON.stringify(key)).join(', ')
      const place = field === '' ? '' : `${field} `
      return `cache ${cache}: ${count} ${how}: ${place}${message} (such as ${named})`
    }),
  ]
}
