import { element, keep, make, scrolled, setData, setHidden, setText } from './elements.js'
import { plural } from './words.js'

/** Who keeps what of divided spaces: a row for each unit, a cell for each partition. */
export function showPlacement(placements) {
  setHidden(element('placement-panel'), placements.length === 0)
  keep(
    element('placement'),
    placements,
    ({ space }) => space,
    ({ space }) =>
      make(
        'div',
        { className: 'placement' },
        make('h3', {}, space),
        make('p', { className: 'note' }),
        scrolled(`Placement of ${space}`, make('table', {}, make('tbody'))),
      ),
    (place, placement) => {
      setText(place.querySelector('.note'), aboutOf(placement))
      keep(
        place.querySelector('tbody'),
        placement.members,
        ({ name }) => name,
        ({ name }) => make('tr', {}, make('th', { scope: 'row' }, name)),
        (row, member) => showMember(row, member, placement),
      )
    },
  )
}

function aboutOf({ partitions, copies, moving, missing, scarce, homes }) {
  const lost = homes.filter((home) => home === null).length
  return [
    `${plural(partitions, 'partition')}, ${plural(copies, 'copy', 'copies')} of each`,
    ...(moving > 0 ? [`${plural(moving, 'copy', 'copies')} on the way`] : []),
    ...(lost > 0 ? [`${plural(lost, 'partition')} kept by nobody`] : []),
    ...(scarce.length > 0 ? [`${plural(scarce.length, 'partition')} with too few copies`] : []),
    ...(missing > 0 ? [`no room for ${plural(missing, 'copy', 'copies')}`] : []),
    ...(moving + missing + scarce.length + lost === 0 ? ['all as it should be'] : []),
  ].join(', ')
}

function showMember(row, { name, ready, joining, leaving }, { partitions, homes }) {
  while (row.cells.length < partitions + 1) row.append(make('td'))
  for (let partition = 0; partition < partitions; partition++) {
    const cell = row.cells[partition + 1]
    const state = ready.includes(partition)
      ? 'ready'
      : joining.includes(partition)
        ? 'joining'
        : leaving.includes(partition)
          ? 'leaving'
          : 'none'
    const isHome = homes[partition] === name
    setText(cell, state === 'none' ? '' : partition)
    setData(cell, 'state', state)
    setData(cell, 'home', isHome)
    const said = `Partition ${partition}: ${isHome ? 'home, ' : ''}${state === 'none' ? 'not here' : state}`
    if (cell.title !== said) cell.title = said
  }
}
