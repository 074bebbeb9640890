import { Choice } from './choice.js'
import { colorOf, element, make, setHidden, setText, whileSeen } from './elements.js'
import uPlot from './uplot.js'
import { offer, refusalOf, visitorId } from './visitor.js'
import { count, money, plural } from './words.js'

const space = 'auction'
const pricesMax = 300
/** A browser has few streams for all of its pages: a price is looked at. */
const lookMs = 700
const height = 84
const refusals = { bid_too_low: 'Somebody was quicker: bid again' }
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const times = (_plot, all) => all.map((seconds) => clock.format(seconds * 1000))

/** An auction's price as it climbs, and a bid at a click. */
export class Auction {
  #client
  #choice
  #shown
  #prices = []
  #auction
  #plot
  #bidderId = visitorId()
  #parts

  constructor(client, newest) {
    this.#client = client
    this.#choice = new Choice(
      'Auction',
      (most) => newest(space, 'auctions', most),
      ({ title }) => title,
      () => this.#turn(),
    )
    this.#draw()
    void whileSeen(lookMs, () => this.#look())
    new ResizeObserver(() => this.#fit()).observe(element('auction'))
  }

  #draw() {
    const empty = offer('No auction is open yet.', 'Open an auction', () => this.#open())
    const price = make('b', { className: 'price', textContent: '–' })
    const about = make('p', { className: 'note' })
    const bid = make('button', {
      type: 'button',
      className: 'primary',
      textContent: 'Bid',
      on: { click: () => this.#bid() },
    })
    const plot = make('div', {
      className: 'plot',
      aria: { role: 'img', label: 'The price over time' },
    })
    const room = make('div', { className: 'room' }, make('div', {}, price, about), bid)
    const notice = make('p', { className: 'notice', aria: { role: 'status' } })
    this.#parts = { empty, price, about, bid, plot, room, notice }
    element('auction').replaceChildren(
      make('header', {}, make('h3', { textContent: 'Auction' }), this.#choice.select),
      ...[empty, room, plot, notice],
    )
    setHidden(element('auction'), false)
    this.#turn()
    this.redraw()
  }

  redraw() {
    this.#plot?.destroy()
    const axis = { show: true, stroke: colorOf('--quiet'), font: '11px system-ui, sans-serif' }
    const lines = { grid: { stroke: colorOf('--line'), width: 1 }, ticks: { show: false } }
    this.#plot = new uPlot(
      {
        ...{ width: Math.max(160, this.#parts.plot.clientWidth), height, padding: [6, 4, 0, 0] },
        legend: { show: false },
        cursor: { y: false },
        axes: [
          {
            ...axis,
            size: 22,
            space: 90,
            grid: { show: false },
            ticks: { show: false },
            values: times,
          },
          { ...axis, ...lines, size: 52, space: 28, values: (_, all) => all.map((v) => count(v)) },
        ],
        series: [
          {},
          {
            stroke: colorOf('--teal'),
            fill: colorOf('--teal', 0.13),
            width: 2,
            paths: uPlot.paths.stepped({ align: 1 }),
            points: { show: false },
          },
        ],
      },
      this.#data(),
      this.#parts.plot,
    )
  }

  #data() {
    return [this.#prices.map(({ at }) => at / 1000), this.#prices.map(({ price }) => price / 100)]
  }

  #fit() {
    const width = Math.max(160, this.#parts.plot.clientWidth)
    if (this.#plot && width !== this.#plot.width) this.#plot.setSize({ width, height })
  }

  #turn() {
    const { empty, room, plot } = this.#parts
    const { isEmpty, select, shown } = this.#choice
    setHidden(empty, !isEmpty)
    for (const part of [select, room, plot]) setHidden(part, isEmpty)
    this.#fit()
    if (shown === this.#shown) return
    this.#shown = shown
    this.#prices = []
    void this.#look().catch(() => undefined)
  }

  async #look() {
    const auctionId = this.#shown
    if (auctionId === undefined) return
    const { result } = await this.#client.query(
      space,
      'auction',
      { auctionId },
      { deadlineMs: 5000 },
    )
    if (auctionId === this.#shown) this.#show(result)
  }

  #show(auction) {
    this.#auction = auction
    const price = auction.highestBid ?? auction.startingPrice
    this.#prices.push({ at: Date.now(), price })
    if (this.#prices.length > pricesMax) this.#prices.shift()
    this.#plot.setData(this.#data())
    const { price: shown, about, bid } = this.#parts
    setText(shown, money(price))
    const by = auction.highestBidderId === this.#bidderId ? 'you' : auction.highestBidderId
    setText(
      about,
      by === undefined
        ? 'No bids yet: this is the starting price'
        : `${plural(auction.bids, 'bid')}, the highest by ${by}`,
    )
    const isOpen = auction.status === 'open'
    setText(bid, isOpen ? `Bid ${money(auction.leastAmount)}` : 'Closed')
    if (bid.disabled === isOpen) bid.disabled = !isOpen
    this.#parts.plot.setAttribute('aria-label', `The price over time, now ${money(price)}`)
  }

  async #bid() {
    const { leastAmount: amount } = this.#auction ?? {}
    if (amount === undefined) return
    const input = { auctionId: this.#shown, bidderId: this.#bidderId, amount }
    try {
      await this.#client.command(space, 'placeBid', input)
      this.#say(`Your bid of ${money(amount)} is placed`)
      await this.#look()
    } catch (error) {
      this.#say(refusalOf(error, refusals))
    }
  }

  async #open() {
    const auctionId = `console-${Date.now().toString(36)}`
    const lot = { title: 'A painting', startingPrice: 10_000, minimumIncrement: 500 }
    try {
      const endsAt = Date.now() + 3_600_000
      await this.#client.command(space, 'openAuction', { auctionId, ...lot, endsAt })
      this.#choice.know(auctionId, lot.title)
    } catch (error) {
      this.#say(refusalOf(error, refusals))
    }
  }

  #say(text) {
    setText(this.#parts.notice, text)
  }
}
