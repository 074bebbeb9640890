import { colorOf, element, make, setText } from './elements.js'
import uPlot from './uplot.js'
import { count, ms, rate } from './words.js'

const secondsShown = 120
/** Rows of a table beside a chart, and seconds between them. */
const rowsShown = 10
const rowSeconds = 5
const height = 170

const charts = [
  {
    title: 'Requests per second',
    say: rate,
    series: [
      { name: 'Commands', field: 'commands', color: '--blue' },
      { name: 'Queries', field: 'queries', color: '--violet' },
      { name: 'Turned away', field: 'turnedAway', color: '--red' },
    ],
  },
  {
    title: 'Latency of commands',
    say: ms,
    series: [
      { name: 'Half within', field: 'p50Ms', color: '--blue' },
      { name: '99 % within', field: 'p99Ms', color: '--amber' },
    ],
  },
  {
    title: 'Records on their way to the store',
    say: count,
    series: [
      { name: 'Log to pump', field: 'toPump', color: '--teal' },
      { name: 'Change queue', field: 'toWriter', color: '--violet' },
    ],
  },
  {
    title: 'Collisions per second',
    say: rate,
    series: [{ name: 'Run again', field: 'collisions', color: '--amber' }],
  },
]

/** The charts, each with its figures of now and, for those who do not see it, as a table. */
export class Charts {
  #points = []
  #drawn = []

  constructor() {
    element('charts').replaceChildren(...charts.map((chart) => this.#frame(chart)))
    this.redraw()
    new ResizeObserver(() => this.#fit()).observe(element('charts'))
  }

  load(points) {
    this.#points = points.slice(-secondsShown)
    this.#show()
  }

  add(point) {
    if (this.#points.at(-1)?.at >= point.at) return
    this.#points.push(point)
    while (this.#points[0].at < point.at - secondsShown * 1000) this.#points.shift()
    this.#show()
  }

  #frame({ title, series }) {
    const table = make('table')
    const figures = series.map(({ name, color }) => {
      const value = make('b', { textContent: '–' })
      const line = make('i', { data: { color } })
      return make('span', {}, line, `${name} `, value)
    })
    const plot = make('div', { className: 'plot', aria: { role: 'img', label: title } })
    return make(
      'figure',
      {},
      make('figcaption', {}, make('h3', { textContent: title }), make('p', {}, ...figures)),
      plot,
      make('details', {}, make('summary', { textContent: 'As a table' }), table),
    )
  }

  /** Colours are the theme's. */
  redraw() {
    for (const { plot } of this.#drawn) plot.destroy()
    const frames = [...element('charts').children]
    this.#drawn = charts.map((chart, at) => {
      const place = frames[at].querySelector('.plot')
      const axis = {
        stroke: colorOf('--quiet'),
        grid: { stroke: colorOf('--line'), width: 1 },
        ticks: { show: false },
        font: '11px system-ui, sans-serif',
      }
      const options = {
        width: widthOf(place),
        height,
        padding: [8, 16, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: 'console' }, points: { size: 6 }, y: false },
        scales: {
          x: { time: true },
          y: { range: (_plot, _least, most) => [0, Math.max(most ?? 0, 1) * 1.08] },
        },
        axes: [
          { ...axis, size: 24, grid: { show: false }, splits: moments, values: ages },
          { ...axis, size: 46, space: 32, values: (_plot, all) => all.map(short) },
        ],
        series: [
          {},
          ...chart.series.map(({ color: name }) => ({
            stroke: colorOf(name),
            fill: colorOf(name, 0.1),
            width: 1.75,
            points: { show: false },
            spanGaps: true,
          })),
        ],
      }
      return { chart, frame: frames[at], plot: new uPlot(options, this.#data(chart), place) }
    })
    this.#show()
  }

  #fit() {
    for (const { plot } of this.#drawn) {
      const width = widthOf(plot.root.parentElement)
      if (width !== plot.width) plot.setSize({ width, height })
    }
  }

  #data({ series }) {
    const points = this.#points
    return [
      points.map(({ at }) => at / 1000),
      ...series.map(({ field }) => points.map((point) => point[field])),
    ]
  }

  #show() {
    const newest = this.#points.at(-1)
    const until = newest ? newest.at / 1000 : Date.now() / 1000
    for (const { chart, frame, plot } of this.#drawn) {
      plot.setData(this.#data(chart), false)
      plot.batch(() => {
        plot.setScale('x', { min: until - secondsShown, max: until })
      })
      const figures = frame.querySelectorAll('figcaption b')
      const values = chart.series.map(({ field }) => chart.say(newest?.[field]))
      values.forEach((value, at) => void setText(figures[at], value))
      const said = chart.series.map(({ name }, at) => `${name} ${values[at]}`).join(', ')
      frame.querySelector('.plot').setAttribute('aria-label', `${chart.title}, now: ${said}`)
      const details = frame.querySelector('details')
      if (details.open) this.#table(details.querySelector('table'), chart)
    }
  }

  #table(table, { title, series, say }) {
    const shown = this.#points.filter((_, at) => (this.#points.length - 1 - at) % rowSeconds === 0)
    const cells = (point) => series.map(({ field }) => make('td', {}, say(point[field])))
    table.replaceChildren(
      make('caption', { className: 'unseen', textContent: title }),
      make(
        'thead',
        {},
        make('tr', {}, ...['Time', ...series.map(({ name }) => name)].map(heading)),
      ),
      make(
        'tbody',
        {},
        ...shown
          .slice(-rowsShown)
          .reverse()
          .map((point) =>
            make(
              'tr',
              {},
              make('th', { scope: 'row' }, new Date(point.at).toLocaleTimeString()),
              ...cells(point),
            ),
          ),
      ),
    )
  }
}

const heading = (text) => make('th', { scope: 'col' }, text)
const widthOf = (place) => Math.max(160, place.clientWidth)

/** They stay where they are while the lines move. */
const moments = ({ scales }) => [120, 90, 60, 30, 0].map((ago) => (scales.x.max ?? 0) - ago)
const ages = () => ['', '−90 s', '−60 s', '−30 s', 'now']

/** As axes have room for. */
const short = (value) =>
  value >= 1e6 ? `${value / 1e6}M` : value >= 10_000 ? `${value / 1000}k` : `${value}`
