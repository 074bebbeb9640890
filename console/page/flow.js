import { element, keep, make, setData, setHidden, setText } from './elements.js'
import { bytes, count, ms, plural, rate } from './words.js'

/** Beyond, a pipe is shown full. */
const fullAt = 20_000

const roleText = { ready: 'works', 'not-ready': 'not ready', none: 'missing' }

/** From the users to the store, and what waits in between. A pipe's filling is logarithmic. */
const stations = [
  {
    name: 'Users',
    figure: (s) => rate(s.commandsPerSecond + s.queriesPerSecond),
    unit: 'requests/s',
    note: (s) => (s.readers > 0 ? `${plural(s.readers, 'stream')} followed` : ''),
  },
  {
    pipe: 'under way',
    waiting: (s) => s.pending,
    moves: (s) => s.commandsPerSecond > 0,
    about: 'commands that have no outcome yet',
  },
  {
    name: 'Units',
    figure: (s) => `${s.unitsReady}/${s.units}`,
    unit: 'ready',
    note: (s) => `${plural(s.entries, 'entry', 'entries')}, ${bytes(s.bytes)}`,
    state: (s) => (s.unitsReady === 0 ? 'bad' : s.unitsReady < s.units ? 'warn' : 'good'),
  },
  {
    pipe: 'waits to be sent',
    figure: (s) => ms(s.queueingDelayMs),
    waiting: (s) => s.queueingDelayMs * 50,
    moves: (s) => s.recordsPerSecond > 0,
    about: 'how long commands wait before they are sent to the log',
  },
  {
    name: 'Log',
    figure: (s) => rate(s.recordsPerSecond),
    unit: 'records/s',
    note: (s) => `position ${count(s.position)}`,
  },
  {
    pipe: 'not published',
    waiting: (s) => s.toPump,
    moves: (s) => s.recordsPerSecond > 0,
    about: 'records of the log that the data pump has not published yet',
  },
  {
    name: 'Data pump',
    figure: (s) => roleText[s.pump],
    note: (s) => (s.image ? `warm image ${s.image}` : plural(s.collecting, 'change')),
    state: (s) => roleLevel(s.pump),
  },
  {
    pipe: 'change queue',
    waiting: (s) => s.toWriter,
    moves: (s) => s.toWriter > 0,
    about: 'records that are published and not stored yet',
  },
  {
    name: 'Data writer',
    figure: (s) => roleText[s.writer],
    note: (s) => (s.quarantined > 0 ? `${count(s.quarantined)} in quarantine` : 'nothing refused'),
    state: (s) => roleLevel(s.writer),
  },
  { pipe: '', waiting: () => 0, moves: (s) => s.toWriter > 0, about: '' },
  {
    name: 'Store',
    figure: (s) => count(Math.max(0, s.position - s.toPump - s.toWriter)),
    unit: 'position',
    note: (s) => (s.toPump + s.toWriter === 0 ? 'has everything' : 'is catching up'),
  },
]

const roleLevel = (state) => (state === 'ready' ? 'good' : state === 'none' ? 'bad' : 'warn')

export function showFlow(spaces) {
  setHidden(element('flow-panel'), spaces.length === 0)
  keep(
    element('flow'),
    spaces,
    ({ space }) => space,
    ({ space, partitions }) => {
      const name = partitions > 1 ? `${space}, ${plural(partitions, 'partition')}` : space
      const id = `flow-${space}`
      return make(
        'section',
        { aria: { labelledby: id } },
        make('h3', { id }, name),
        make('ol', { className: 'stations' }, ...stations.map(drawn)),
      )
    },
    (section, space) => {
      const parts = section.querySelector('ol').children
      stations.forEach((station, at) => void show(parts[at], station, space))
    },
  )
}

function drawn(station) {
  if (station.pipe === undefined)
    return make(
      'li',
      { className: 'station' },
      make('span', { className: 'name' }, station.name),
      make('span', { className: 'figure' }, make('b'), make('small', {}, station.unit ?? '')),
      make('span', { className: 'note' }),
    )
  return make(
    'li',
    { className: 'pipe', title: station.about },
    make('b'),
    make('span', { className: 'tube', aria: { hidden: 'true' } }, make('i')),
    make('small', {}, station.pipe),
  )
}

function show(part, station, space) {
  if (station.pipe === undefined) {
    setText(part.querySelector('b'), station.figure(space))
    setText(part.querySelector('.note'), station.note(space))
    setData(part, 'state', station.state?.(space) ?? 'none')
    return
  }
  const waiting = station.waiting(space)
  const share = Math.min(1, Math.log10(1 + waiting) / Math.log10(1 + fullAt))
  setText(part.querySelector('b'), station.figure?.(space) ?? (station.pipe ? count(waiting) : ''))
  part.querySelector('i').style.width = `${Math.round(share * 100)}%`
  setData(part, 'moves', station.moves(space))
  setData(part, 'full', share > 0.8 ? 'very' : share > 0.5 ? 'half' : 'no')
}
