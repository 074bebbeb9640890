import { element, setHidden, setText } from './elements.js'
import { showTable } from './pressure.js'
import { count, plural, rate } from './words.js'

const actions = {
  scale_out: 'adds',
  scale_in: 'takes away',
  replace: 'replaces',
  hold: 'leaves as it is',
  failed: 'could not',
}

/** What the deployment manager decides, and the lines before the doors; nothing where they are not. */
export function showScaling({ scaling, lines }) {
  setHidden(element('lines-panel'), lines.length === 0)
  if (lines.length > 0)
    showTable(
      'lines',
      ['Line', 'State', 'Waiting', 'Inside', 'At most', 'Let in a second'],
      lines.map((one) => [
        one.line,
        one.isHeld ? 'held' : 'moves',
        count(one.waiting),
        count(one.inside),
        count(one.insideLimit),
        rate(one.movedPerSecond),
      ]),
      '',
      4,
    )
  setHidden(element('scaling-panel'), scaling === null)
  if (scaling === null) return
  const { driver, wanted, ready, starting, unitsMin, unitsMax, decisions } = scaling
  const more = starting > 0 ? `, ${count(starting)} starting` : ''
  setText(
    element('scaling-about'),
    `${plural(ready, 'unit')} ready of ${count(wanted)} wanted${more}; ${count(unitsMin)} to ${count(unitsMax)}, by ${driver}.`,
  )
  showTable(
    'scaling',
    ['Time', 'What it does', 'Units', 'Why'],
    decisions
      .toReversed()
      .map(({ at, action, from, to, why }) => [
        new Date(at).toLocaleTimeString(),
        actions[action] ?? action,
        from === to ? count(from) : `${count(from)} → ${count(to)}`,
        why,
      ]),
    'It has decided nothing yet.',
    0,
  )
}
