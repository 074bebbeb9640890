import { applyPatch } from 'fast-json-patch'
import { GridClient, Rejection } from 'spacegrid/client'

/**
 * The seats of an event as they are, for as long as the page is open: a live query tells what
 * changes, and the client of the grid holds seats and gives them back.
 *
 * In the address: `grid`, the URL of a unit or the gateway; `event`, the event's id.
 */
const asked = new URLSearchParams(location.search)
const grid = asked.get('grid') ?? 'http://127.0.0.1:8080'
const eventId = asked.get('event') ?? 'concert'
const client = new GridClient(grid)
sessionStorage.customerId ??= `visitor-${crypto.randomUUID().slice(0, 8)}`
const { customerId } = sessionStorage

/** By its id. */
const element = (id) => document.getElementById(id)
const money = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2 })

/** The last answer of the live query. */
let answer = { eventId, seats: [] }
/** Seat id → its button. */
const buttons = new Map()
/** Seats that this page is about to hold: the live query may tell of it before the answer comes. */
const asking = new Set()
/** Own holds by their id; kept over a reload. */
const holds = new Map(JSON.parse(sessionStorage.holds ?? '[]'))

follow()
setInterval(showBasket, 1000)
element('release').addEventListener('click', giveBack)

/** A live query: the answer, and then what changes of it, on whatever unit is there. */
function follow() {
  const url = `${grid}/ticketing/queries/seatMap?${new URLSearchParams({ eventId })}`
  const stream = new EventSource(url)
  stream.addEventListener('open', () => connection('live', 'Live'))
  // It connects again by itself, and says where it was.
  stream.addEventListener('error', () => {
    connection('connecting', 'Connecting again')
    // Refused for good, as long as nobody opens the event.
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 2000)
  })
  stream.addEventListener('answer', ({ data }) => {
    const before = answer
    answer = JSON.parse(data).result
    if (isSamePlan(before, answer)) showSeats()
    else draw()
    showCounts()
  })
  stream.addEventListener('patch', ({ data }) => {
    const { patch } = JSON.parse(data)
    answer = applyPatch(answer, patch).newDocument
    const changed = patch.map(({ path }) => Number(/^\/seats\/(\d+)\/status$/.exec(path)?.[1]))
    if (changed.some(Number.isNaN)) draw()
    else for (const at of changed) showSeat(at)
    showCounts()
  })
  stream.addEventListener('failure', ({ data }) => notice(JSON.parse(data).detail))
}

const isSamePlan = (one, other) =>
  one.seats.length === other.seats.length &&
  one.seats.every(({ seatId }, at) => seatId === other.seats[at].seatId)

async function hold(seatId) {
  const button = buttons.get(seatId)
  button.disabled = true
  asking.add(seatId)
  try {
    const input = { eventId, seatIds: [seatId], customerId }
    const { result } = await client.command('ticketing', 'holdSeats', input)
    keep(result.holdId, { seatId, total: result.total, expiresAt: result.expiresAt })
  } catch (error) {
    notice(reasonOf(error, seatId))
  } finally {
    button.disabled = false
    asking.delete(seatId)
    showSeats()
  }
}

async function giveBack() {
  for (const [holdId, { seatId }] of [...holds])
    try {
      await client.command('ticketing', 'releaseHold', { holdId })
      keep(holdId, undefined)
    } catch (error) {
      notice(reasonOf(error, seatId))
      if (error instanceof Rejection) keep(holdId, undefined)
    }
}

function reasonOf(error, seatId) {
  if (!(error instanceof Rejection)) return `That did not work: ${error.message}`
  const texts = {
    seat_unavailable: `Somebody was quicker: ${seatId} is taken`,
    limit_exceeded: 'Eight seats are the most that one may have',
    hold_expired: `Your time for ${seatId} was over`,
  }
  return texts[error.reason] ?? `Not possible: ${error.reason}`
}

function keep(holdId, held) {
  const seatId = held?.seatId ?? holds.get(holdId)?.seatId
  if (held) holds.set(holdId, held)
  else holds.delete(holdId)
  sessionStorage.holds = JSON.stringify([...holds])
  const at = answer.seats.findIndex((seat) => seat.seatId === seatId)
  if (at >= 0) showSeat(at)
  showBasket()
  showCounts()
}

const isMine = (seatId) =>
  asking.has(seatId) || [...holds.values()].some((held) => held.seatId === seatId)

function draw() {
  buttons.clear()
  const sections = Map.groupBy(answer.seats, ({ seatId }) => seatId.replace(/-\d+-\d+$/, ''))
  element('event').textContent = eventId.charAt(0).toUpperCase() + eventId.slice(1)
  document.title = `Seats – ${eventId}`
  element('sections').replaceChildren(...[...sections].map(([name, seats]) => drawn(name, seats)))
  showSeats()
}

function showSeats() {
  for (let at = 0; at < answer.seats.length; at++) showSeat(at)
}

function drawn(name, seats) {
  const title = make('h2', { textContent: `Section ${name}` })
  title.append(make('span', { textContent: `${money.format(seats[0].price / 100)} each` }))
  const rows = make('div', { className: 'rows' })
  const byRow = Map.groupBy(seats, ({ seatId }) => seatId.split('-').at(-2))
  rows.style.setProperty('--columns', Math.max(...[...byRow.values()].map((row) => row.length)))
  for (const [row, inRow] of byRow) {
    const line = make('div', { className: 'row' })
    line.append(make('span', { textContent: row }))
    for (const { seatId } of inRow) {
      const button = make('button', { className: 'seat', type: 'button' })
      button.dataset.seat = seatId
      button.addEventListener('click', () => button.dataset.status === 'free' && hold(seatId))
      buttons.set(seatId, button)
      line.append(button)
    }
    rows.append(line)
  }
  const section = make('section', {})
  section.append(title, rows)
  return section
}

const make = (name, properties) => Object.assign(document.createElement(name), properties)

function showSeat(at) {
  const { seatId, status } = answer.seats[at]
  const button = buttons.get(seatId)
  const shown = status === 'held' && isMine(seatId) ? 'mine' : status
  const before = button.dataset.status
  if (before === shown) return
  button.dataset.status = shown
  button.ariaLabel = `Seat ${seatId}, ${shown === 'mine' ? 'yours' : shown}`
  button.title = button.ariaLabel
  if (before !== undefined && shown === 'held') flash(button)
}

function flash(button) {
  button.classList.remove('changed')
  // Begins anew only when the browser has noticed that it is gone.
  void button.offsetWidth
  button.classList.add('changed')
}

function showCounts() {
  const counts = { free: 0, mine: 0, held: 0, sold: 0 }
  for (const { dataset } of buttons.values()) counts[dataset.status]++
  for (const [status, count] of Object.entries(counts)) element(status).textContent = count
}

function showBasket() {
  for (const [holdId, { expiresAt }] of holds) if (expiresAt <= Date.now()) keep(holdId, undefined)
  const held = [...holds.values()]
  element('basket').hidden = held.length === 0
  if (held.length === 0) return
  const total = held.reduce((sum, one) => sum + one.total, 0)
  const seconds = Math.ceil((Math.min(...held.map((one) => one.expiresAt)) - Date.now()) / 1000)
  element('chosen').textContent = held.map(({ seatId }) => seatId).join(', ')
  element('total').textContent = money.format(total / 100)
  element('left').textContent = `${Math.floor(seconds / 60)}:${`${seconds % 60}`.padStart(2, '0')}`
}

function connection(state, text) {
  element('connection').dataset.state = state
  element('connection').textContent = text
}

let noticeEnds
function notice(text) {
  element('notice').textContent = text
  element('notice').hidden = false
  clearTimeout(noticeEnds)
  noticeEnds = setTimeout(() => {
    element('notice').hidden = true
  }, 5000)
}
