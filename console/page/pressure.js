import { element, make, scrolled } from './elements.js'
import { count, priorities, rate, reasons } from './words.js'

/** What is turned away and why, and which keys collide. */
export function showPressure({ shed, hotKeys, spaces }) {
  const away = shed.filter(({ total }) => total > 0)
  showTable(
    'shed',
    ['Space', 'Why', 'Of those that are', 'Per second', 'In all'],
    away.map((one) => [
      one.space,
      reasons[one.reason] ?? one.reason,
      priorities[one.priority] ?? one.priority,
      rate(one.perSecond),
      count(one.total),
    ]),
    'Nothing has been turned away.',
  )
  const collisions = spaces.reduce((sum, one) => sum + one.collisionsPerSecond, 0)
  showTable(
    'hot',
    ['Space', 'Key', 'Its commands are done by', 'Commands/s', 'Collisions/s'],
    hotKeys.map((one) => [
      one.space,
      one.key,
      one.home ?? 'whoever is asked',
      rate(one.commandsPerSecond),
      rate(one.collisionsPerSecond),
    ]),
    collisions > 0
      ? `${rate(collisions)} commands a second run again, no single key stands out.`
      : 'No commands collide.',
  )
}

/** Texts of what was shown last: a table that stays the same is left alone. */
const shown = new Map()

/** @param numbers how many columns at the end are numbers */
export function showTable(id, columns, rows, nothing, numbers = 2) {
  const text = JSON.stringify([rows, rows.length === 0 ? nothing : ''])
  if (shown.get(id) === text) return
  shown.set(id, text)
  if (rows.length === 0)
    return element(id).replaceChildren(make('p', { className: 'empty', textContent: nothing }))
  const isNumber = (at) => at >= columns.length - numbers
  const cell = (name, at, value) =>
    make(
      name,
      { className: isNumber(at) ? 'number' : 'text', ...(name === 'th' ? { scope: 'col' } : {}) },
      value,
    )
  const table = make(
    'table',
    {},
    make('thead', {}, make('tr', {}, ...columns.map((name, at) => cell('th', at, name)))),
    make(
      'tbody',
      {},
      ...rows.map((row) => make('tr', {}, ...row.map((value, at) => cell('td', at, value)))),
    ),
  )
  const label = element(id).parentElement.querySelector('h2').textContent
  element(id).replaceChildren(scrolled(`${label}: table`, table))
}
