import { Auction } from './auction.js'
import { Charts } from './charts.js'
import { GridClient } from './client.js'
import { connect } from './connection.js'
import { element, keep, make, setData, setHidden, setText } from './elements.js'
import { showFlow } from './flow.js'
import { Look } from './look.js'
import { showPlacement } from './placement.js'
import { showPressure } from './pressure.js'
import { showScaling } from './scaling.js'
import { Seats } from './seats.js'
import { Units } from './units.js'
import { count, ms, percent, plural, rate, story } from './words.js'

/** A screen reader is told how things are so often at most. */
const storyMs = 5000
const kinds = { embedded: 'embedded, one process', grid: 'grid' }
const accesses = {
  open: 'Open to whoever works on this machine: no CONSOLE_TOKEN is set, and it listens on a loopback address.',
  token: 'You are signed in by CONSOLE_TOKEN.',
}
const tiles = [
  ['Commands', ({ point }) => [rate(point.commands), 'a second']],
  ['Queries', ({ point }) => [rate(point.queries), 'a second']],
  ['99 % within', ({ point }) => [ms(point.p99Ms), 'of commands']],
  [
    'Turned away',
    ({ point }) => [rate(point.turnedAway), 'a second'],
    ({ point }) => point.turnedAway >= 1 && 'warn',
  ],
  [
    'Behind',
    ({ point }) => [count(point.toPump + point.toWriter), 'records not stored'],
    ({ point }) => point.toPump + point.toWriter > 2000 && 'warn',
  ],
  ['Units', ({ processes }) => unitsOf(processes), ({ processes }) => unitLevel(processes)],
]

let hello
let snapshot
let storyAt = 0
let storyPhase
let seats
let auction
let look
const charts = new Charts()
const units = new Units(act)

drawTiles()
theme()
element('add').addEventListener('click', addUnit)
element('spike-button').addEventListener('click', spike)
connect((name, told) => (name === 'hello' ? greet(told) : show(told)))

function greet(told) {
  hello = told
  setText(element('kind'), kinds[told.kind])
  setText(element('access'), accesses[told.mode] ?? '')
  setText(
    element('driver'),
    told.driver ?? 'Units are started and ended by whoever runs them: the console shows them.',
  )
  if (told.gridUrl) element('docs').href = `${told.gridUrl}/docs`
  charts.load(told.points)
  const sizes = Object.entries(told.spikes ?? {})
  setHidden(element('spike'), sizes.length === 0)
  if (element('size').childElementCount === 0)
    element('size').append(
      ...sizes.map(([size, about]) =>
        make(
          'option',
          { value: size, selected: size === 'medium' },
          `${size[0].toUpperCase()}${size.slice(1)}: ${about}`,
        ),
      ),
    )
}

function show(told) {
  snapshot = told
  charts.add(told.point)
  showStory(told)
  showTiles(told)
  showAlarms(told.alarms)
  showSpike(told.spike)
  showFlow(told.spaces)
  units.show(told)
  showPlacement(told.placement)
  showPressure(told)
  showScaling(told)
  look ??= new Look(hello.grid)
  look.headers = headers()
  look.know(told.spaces)
  tryOut(told.spaces.map(({ space }) => space))
}

/** Panels of the applications that this page knows, once they are served. */
function tryOut(spaces) {
  const client = () => new GridClient(location.origin + hello.grid, { headers: headers() })
  const newest = (...asked) => look.newest(...asked)
  if (!seats && spaces.includes('ticketing')) seats = new Seats(client(), newest)
  if (!auction && spaces.includes('auction')) auction = new Auction(client(), newest)
  setHidden(element('nothing-to-try'), seats !== undefined || auction !== undefined)
  setText(
    element('nothing-to-try'),
    'This page has seats and bids for the spaces ticketing and auction. Commands of others can be tried in the API’s documentation.',
  )
}

/** The console passes on what changes something only for its own page. */
const headers = () => (hello.grid === '' ? {} : { 'x-console-token': hello.pageToken })

function showStory(told) {
  const now = Date.now()
  const phase = told.spike?.phase
  if (now - storyAt < storyMs && phase === (storyPhase ?? phase)) return
  storyPhase = phase
  storyAt = now
  setText(element('story'), story(told))
}

function drawTiles() {
  element('tiles').append(
    ...tiles.map(([name]) =>
      make('div', {}, make('dt', {}, name), make('dd', {}, make('b', {}, '–'), make('small'))),
    ),
  )
}

function showTiles(told) {
  tiles.forEach(([, figures, level], at) => {
    const tile = element('tiles').children[at]
    const [figure, unit] = figures(told)
    setText(tile.querySelector('b'), figure)
    setText(tile.querySelector('small'), unit)
    setData(tile, 'level', level?.(told) || 'none')
  })
}

/** Those that somebody has stopped in good order are not missed. */
const areUnits = (processes) =>
  processes.filter(({ role, state }) => role.endsWith('-unit') && state !== 'stopped')
const areReady = (processes) => areUnits(processes).filter(({ state }) => state === 'ready')

const unitsOf = (processes) => [
  `${areReady(processes).length}/${areUnits(processes).length}`,
  'ready',
]

function unitLevel(processes) {
  const [ready, all] = [areReady(processes).length, areUnits(processes).length]
  return ready === 0 ? 'bad' : ready < all ? 'warn' : 'none'
}

function showAlarms(alarms) {
  keep(
    element('alarms'),
    alarms,
    ({ id }) => id,
    ({ level, doc }) =>
      make(
        'li',
        { data: { level } },
        make('b'),
        make('span'),
        make('a', { href: `/console/doc/${doc}`, target: '_blank', rel: 'noopener' }, 'Read more'),
      ),
    (item, { text, advice }) => {
      setText(item.querySelector('b'), text)
      setText(item.querySelector('span'), advice)
    },
  )
  setHidden(element('alarms'), alarms.length === 0)
}

const spikeNames = {
  idle: 'Start a spike',
  starting: 'Starting',
  running: 'End the spike',
  ending: 'Auditing',
}

function showSpike(told) {
  if (!told) return
  const button = element('spike-button')
  setText(button, spikeNames[told.phase])
  button.disabled = told.phase === 'starting' || told.phase === 'ending'
  element('size').disabled = told.phase !== 'idle'
  setData(button, 'phase', told.phase)
  const left = told.startedAt === null ? 0 : told.startedAt + told.durationMs - snapshot.at
  setText(
    element('spike-about'),
    told.phase === 'idle'
      ? 'Users who come all at once: thirty seconds of load from this machine, then an audit of what they bought.'
      : told.phase === 'ending'
        ? 'No more users come. Those who are there finish, and every answer is compared with what the grid holds.'
        : `Users come for another ${Math.max(0, Math.ceil(left / 1000))} s, from a process beside the grid.`,
  )
  keep(
    element('results'),
    told.phase === 'idle' ? told.results : [],
    ({ application }) => application,
    () => make('p', { className: 'result' }, make('b'), make('span')),
    (line, result) => {
      setText(line.firstChild, `${result.application}: ${verdict(result)}`)
      setText(line.lastChild, resultText(result))
      setData(line, 'level', result.fault || result.auditPassed === false ? 'bad' : 'good')
    },
  )
}

const verdict = ({ fault, auditPassed }) =>
  fault ? 'the load could not be made' : auditPassed ? 'audit passed' : 'audit failed'

const resultText = ({ fault, users, admitted, offered, shed, failed, p99Ms }) =>
  fault ??
  `${plural(users, 'user')}, ${plural(offered, 'request')}: ${count(admitted)} taken, ${count(shed)} turned away${offered > 0 ? ` (${percent(shed / offered)})` : ''}, ${count(failed)} failed. 99 % within ${ms(p99Ms)}.`

async function act(asked) {
  try {
    const answer = await fetch('/console/actions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-console-token': hello.pageToken },
      body: JSON.stringify(asked),
    })
    if (answer.ok) return await answer.json()
    setText(element('acted'), (await answer.text()).trim())
  } catch {
    setText(element('acted'), 'The console cannot be reached')
  }
  return undefined
}

async function addUnit() {
  const button = element('add')
  button.disabled = true
  setData(button, 'busy', true)
  setText(element('acted'), 'A unit is being started')
  const added = await act({ action: 'add' })
  if (added) setText(element('acted'), `${added.unit} serves`)
  setData(button, 'busy', false)
}

async function spike() {
  const { phase } = snapshot?.spike ?? {}
  element('spike-button').disabled = true
  await act(
    phase === 'idle' ? { action: 'spike', size: element('size').value } : { action: 'end-spike' },
  )
}

function theme() {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const root = document.documentElement
  const now = () => root.dataset.theme ?? (dark.matches ? 'dark' : 'light')
  const button = element('theme')
  const told = () => {
    setText(button, now() === 'dark' ? 'Light' : 'Dark')
    button.title = `Use ${now() === 'dark' ? 'light' : 'dark'} colours`
    charts.redraw()
    auction?.redraw()
  }
  button.addEventListener('click', () => {
    root.dataset.theme = now() === 'dark' ? 'light' : 'dark'
    try {
      localStorage.setItem('spacegrid-theme', root.dataset.theme)
    } catch {
      // Storage is switched off: it is remembered until the page is left.
    }
    told()
  })
  dark.addEventListener('change', told)
  told()
}
