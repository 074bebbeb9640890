import { Choice } from './choice.js'
import { element, keep, make, setData, setHidden, setText, whileSeen } from './elements.js'
import { offer, refusalOf, visitorId } from './visitor.js'
import { count, money, plural } from './words.js'

const space = 'ticketing'
/** Larger events are shown by their sections only: nobody sees single seats of them. */
const seatsMax = 2400
const againMs = 3000
/** Nobody looks any more: the stream is needed by others. */
const hiddenMs = 20_000
/** Any unit may be asked, and the event may have been made a moment ago. */
const latest = { from: 'latest' }
const letters = { free: 'free', mine: 'yours', held: 'held', sold: 'sold' }

/**
 * An event's seats as they are: a live query tells what changes; a click holds a seat through the
 * public door, as any visitor's does.
 */
export class Seats {
  #client
  #notice
  #choice
  #followed
  #following
  #holds = new Map()
  #buttons = new Map()
  #customerId = visitorId()
  #parts

  /**
   * @param client of the grid
   * @param newest finds the entries of a cache that came last
   */
  constructor(client, newest) {
    this.#client = client
    this.#choice = new Choice(
      'Event',
      (most) => newest(space, 'events', most),
      ({ name }) => name,
      () => this.#show(),
    )
    this.#draw()
    void whileSeen(againMs, () => this.#live())
    setInterval(() => this.#showBasket(), 1000)
  }

  #draw() {
    const legend = make(
      'ul',
      { className: 'legend', aria: { label: 'Seats by what they are' } },
      ...['free', 'held', 'sold', 'mine'].map((status) =>
        make(
          'li',
          { data: { status } },
          make('i'),
          `${letters[status][0].toUpperCase()}${letters[status].slice(1)} `,
          make('b', { textContent: '–' }),
        ),
      ),
    )
    const empty = offer('No event is on sale yet.', 'Put a concert on sale', () => this.#open())
    const plan = make('div', { className: 'plan' })
    const basket = make('div', { className: 'basket', hidden: true })
    const notice = make('p', { className: 'notice', aria: { role: 'status' } })
    this.#notice = notice
    const heading = make('h3', { textContent: 'Seats' })
    const head = make('header', {}, heading, this.#choice.select)
    this.#parts = { legend, empty, plan, basket }
    element('seats').replaceChildren(head, legend, empty, plan, basket, notice)
    setHidden(element('seats'), false)
    this.#show()
  }

  #show() {
    const { legend, empty, plan } = this.#parts
    const { isEmpty, select, shown } = this.#choice
    setHidden(empty, !isEmpty)
    for (const part of [select, legend, plan]) setHidden(part, isEmpty)
    if (shown === this.#followed) return
    this.#followed = shown
    if (this.#following) this.#following.abort()
    else void this.#live().catch(() => undefined)
  }

  /** The seats as they are, until the page is left, or another event is chosen. */
  async #live() {
    while (this.#followed !== undefined && !this.#following) {
      const eventId = this.#followed
      const following = new AbortController()
      this.#following = following
      const { signal } = following
      const leave = () => {
        if (document.hidden) setTimeout(() => document.hidden && following.abort(), hiddenMs)
      }
      document.addEventListener('visibilitychange', leave, { signal })
      try {
        const { result } = await this.#client.query(space, 'availability', { eventId }, latest)
        const seats = result.sections.reduce((sum, one) => sum + one.free + one.held + one.sold, 0)
        const query = seats > seatsMax ? 'availability' : 'seatMap'
        for await (const answer of this.#client.live(space, query, { eventId }, { signal })) {
          if (signal.aborted) break
          if (answer.result?.seats) this.#showSeats(answer.result.seats)
          else if (answer.result) this.#showSections(answer.result.sections)
        }
      } catch (error) {
        // Left on purpose; else it is tried again, from here, after a pause.
        if (!signal.aborted) throw error
      } finally {
        following.abort()
        this.#following = undefined
      }
      if (document.hidden) return
    }
  }

  #showSeats(seats) {
    const sections = Map.groupBy(seats, ({ seatId }) => seatId.replace(/-\d+-\d+$/, ''))
    const ids = seats.map(({ seatId }) => seatId).join()
    if (this.#parts.plan.dataset.ids !== ids) {
      this.#buttons.clear()
      this.#parts.plan.replaceChildren(
        ...[...sections].map(([name, all]) => this.#section(name, all)),
      )
      this.#parts.plan.dataset.ids = ids
    }
    const counts = { free: 0, held: 0, sold: 0, mine: 0 }
    for (const seat of seats) counts[this.#showSeat(seat)]++
    this.#showCounts(counts)
  }

  #section(name, seats) {
    const rows = Map.groupBy(seats, ({ seatId }) => seatId.split('-').at(-2))
    const columns = Math.max(...[...rows.values()].map((row) => row.length))
    const title = `Section ${name}, ${money(seats[0].price)} each`
    const grid = make('div', {
      className: 'rows',
      aria: { role: 'grid', label: `${title}: arrow keys move, Enter holds a seat` },
      on: { keydown: (event) => moveFocus(event, columns) },
    })
    grid.style.setProperty('--columns', columns)
    for (const [, all] of rows) {
      const row = make('div', { className: 'row', aria: { role: 'row' } })
      for (const { seatId } of all) {
        const seat = make('button', {
          type: 'button',
          className: 'seat',
          tabIndex:
            this.#buttons.size === 0 || grid.childElementCount + row.childElementCount === 0
              ? 0
              : -1,
          aria: { role: 'gridcell' },
          on: { click: () => this.#click(seatId) },
        })
        this.#buttons.set(seatId, seat)
        row.append(seat)
      }
      grid.append(row)
    }
    return make('div', { className: 'section' }, make('h4', {}, title), grid)
  }

  #showSeat({ seatId, status }) {
    const seat = this.#buttons.get(seatId)
    const isMine = status !== 'free' && this.#isMine(seatId)
    const shown = isMine ? 'mine' : status
    if (seat.dataset.status !== shown) {
      setData(seat, 'status', shown)
      seat.title = `Seat ${seatId}, ${letters[shown]}`
      seat.setAttribute('aria-label', seat.title)
    }
    return shown
  }

  #showSections(sections) {
    const { plan } = this.#parts
    if (plan.dataset.ids !== 'sections') {
      this.#buttons.clear()
      plan.replaceChildren()
      plan.dataset.ids = 'sections'
    }
    keep(
      plan,
      sections,
      ({ section }) => section,
      ({ section }) =>
        make(
          'div',
          { className: 'section' },
          make('h4', {}, `Section ${section}`),
          make(
            'div',
            { className: 'share' },
            make('i', { data: { status: 'sold' } }),
            make('i', { data: { status: 'held' } }),
          ),
          make('p', { className: 'note' }),
        ),
      (part, { free, held, sold }) => {
        const all = Math.max(1, free + held + sold)
        const [ofSold, ofHeld] = part.querySelectorAll('i')
        ofSold.style.width = `${(sold / all) * 100}%`
        ofHeld.style.width = `${(held / all) * 100}%`
        setText(
          part.querySelector('p'),
          `${count(free)} free, ${count(held)} held, ${count(sold)} sold`,
        )
      },
    )
    const sum = (field) => sections.reduce((to, one) => to + one[field], 0)
    this.#showCounts({
      free: sum('free'),
      held: sum('held'),
      sold: sum('sold'),
      mine: this.#holds.size,
    })
  }

  #showCounts(counts) {
    for (const item of this.#parts.legend.children)
      setText(item.querySelector('b'), count(counts[item.dataset.status]))
  }

  #isMine(seatId) {
    for (const hold of this.#holds.values()) if (hold.seatId === seatId) return true
    return false
  }

  async #click(seatId) {
    const seat = this.#buttons.get(seatId)
    if (seat.dataset.status !== 'free')
      return this.#say(`Seat ${seatId} is ${letters[seat.dataset.status]}`)
    const input = { eventId: this.#followed, seatIds: [seatId], customerId: this.#customerId }
    await this.#try(async () => {
      const { result } = await this.#client.command(space, 'holdSeats', input)
      this.#choice.stay()
      this.#holds.set(result.holdId, { seatId, total: result.total, expiresAt: result.expiresAt })
      this.#showSeat({ seatId, status: 'held' })
      this.#say(
        `Seat ${seatId} is yours for ${Math.round((result.expiresAt - Date.now()) / 1000)} seconds`,
      )
    })
    this.#showBasket()
  }

  async #each(command, inputOf, said) {
    for (const [holdId, hold] of [...this.#holds])
      await this.#try(async () => {
        await this.#client.command(space, command, inputOf(holdId))
        this.#holds.delete(holdId)
        this.#say(`${said}: ${hold.seatId}`)
      })
    this.#showBasket()
  }

  #showBasket() {
    const { basket } = this.#parts
    for (const [holdId, { expiresAt }] of this.#holds)
      if (expiresAt <= Date.now()) this.#holds.delete(holdId)
    const holds = [...this.#holds.values()]
    setHidden(basket, holds.length === 0)
    if (holds.length === 0) return
    if (basket.childElementCount === 0)
      basket.append(
        make('p'),
        make('button', {
          type: 'button',
          className: 'primary',
          textContent: 'Buy',
          on: {
            click: () =>
              this.#each(
                'confirmHold',
                (holdId) => ({ holdId, paymentReference: 'console' }),
                'Bought',
              ),
          },
        }),
        make('button', {
          type: 'button',
          textContent: 'Give back',
          on: { click: () => this.#each('releaseHold', (holdId) => ({ holdId }), 'Given back') },
        }),
      )
    const left = Math.ceil((Math.min(...holds.map((one) => one.expiresAt)) - Date.now()) / 1000)
    const sum = holds.reduce((to, { total }) => to + total, 0)
    const seats = holds.map(({ seatId }) => seatId).join(', ')
    setText(
      basket.firstChild,
      `${plural(holds.length, 'seat')}: ${seats}. ${money(sum)}, ${left} s left`,
    )
  }

  async #open() {
    const eventId = `console-${Date.now().toString(36)}`
    const sections = ['A', 'B', 'C'].map((section, at) => ({
      ...{ section, rows: 4, seatsPerRow: 40 },
      price: 9000 - at * 2500,
    }))
    await this.#try(async () => {
      const input = { eventId, name: 'Concert', startsAt: Date.now() + 86_400_000, sections }
      await this.#client.command(space, 'createEvent', input)
      this.#choice.know(eventId, 'Concert')
    })
  }

  async #try(attempt) {
    try {
      await attempt()
    } catch (error) {
      this.#say(refusalOf(error, refusals))
    }
  }

  #say(text) {
    setText(this.#notice, text)
  }
}

const refusals = {
  seat_unavailable: 'Somebody was quicker: that seat is taken',
  limit_exceeded: 'Eight seats are the most that one may have',
  hold_expired: 'The time for that seat was over',
}

const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }

/** One stop of the tab key for each section; arrow keys move within it. */
function moveFocus(event, columns) {
  const step = steps[event.key]
  if (!step) return
  event.preventDefault()
  const seats = [...event.currentTarget.querySelectorAll('.seat')]
  const at = seats.indexOf(document.activeElement)
  const next = seats[at + step[0] * columns + step[1]]
  if (!next) return
  seats[at].tabIndex = -1
  next.tabIndex = 0
  next.focus()
}
