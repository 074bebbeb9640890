/* global charts, uPlot */

// Runs in the report's page, after `charts` and with the summary in the element `summary`.
const { seconds, operations, reasons, histogram, servers } = charts.data('summary')

/** The same meaning has the same colour in every chart. */
const colors = { blue: '#4c78a8', green: '#3f9c56', orange: '#e07b10', red: '#d9483b' }
const grey = '#8a94a0'
const column = (read) => seconds.map(read)
const isShort = seconds.length < 3
const narrow = document.body.clientWidth < 640
const height = narrow ? 220 : 280

function draw(elementId, unit, series, yScale, more = {}) {
  charts.draw(
    elementId,
    more.x ?? column((second) => second.second),
    series.map(({ fill, ...one }) => ({
      points: { show: isShort },
      ...one,
      ...(fill ? { fill: `${one.stroke}33` } : {}),
    })),
    {
      scales: { x: more.xScale ?? { time: false }, y: yScale },
      axes: [
        { label: more.xLabel ?? 'second of the run', ...more.xAxis },
        { label: unit, size: narrow ? 48 : 60, ...more.yAxis },
      ],
      xLabel: more.xLabel ?? 'second',
      height,
    },
  )
}

const shown = (value) => (value >= 1 ? String(Math.round(value)) : value.toPrecision(1))

const fromZero = { range: (_chart, _least, most) => [0, Math.max(1, (most ?? 0) * 1.05)] }
const logarithmic = { distr: 3 }

draw(
  'users',
  'users/s',
  [
    { label: 'planned', stroke: grey, dash: [6, 4], values: column((it) => it.planned) },
    { label: 'started', stroke: colors.blue, values: column((it) => it.started) },
    { label: 'late', stroke: colors.orange, fill: true, values: column((it) => it.late) },
  ],
  fromZero,
)

draw(
  'rates',
  'requests/s',
  [
    { label: 'offered', stroke: grey, dash: [6, 4], values: column((it) => it.offered) },
    { label: 'admitted', stroke: colors.green, values: column((it) => it.admitted) },
    { label: 'shed', stroke: colors.orange, fill: true, values: column((it) => it.shed) },
    { label: 'failed', stroke: colors.red, fill: true, values: column((it) => it.failed) },
  ],
  fromZero,
)

draw(
  'latencies',
  'ms',
  [
    { label: 'p50', stroke: colors.green, values: column((it) => it.latencyMs.p50) },
    { label: 'p90', stroke: colors.blue, values: column((it) => it.latencyMs.p90) },
    { label: 'p99', stroke: colors.orange, values: column((it) => it.latencyMs.p99) },
    { label: 'max', stroke: colors.red, values: column((it) => it.latencyMs.max) },
  ],
  logarithmic,
)

const named = Object.keys(operations)
if (named.length > 0)
  draw(
    'operations',
    'ms',
    named.map((name, index) => ({
      label: name,
      stroke: charts.color(index),
      values: column((it) => it.operations[name]?.p99 ?? null),
    })),
    logarithmic,
  )

if (histogram.length > 0)
  draw(
    'histogram',
    'requests',
    [
      {
        label: 'requests',
        stroke: colors.blue,
        fill: true,
        width: 1,
        points: { show: false },
        paths: uPlot.paths.bars({ size: [1, 60], align: 1 }),
        values: histogram.map(({ count }) => count),
      },
    ],
    fromZero,
    {
      x: histogram.map(({ fromMs }) => fromMs),
      xLabel: 'from, ms',
      xScale: { time: false, distr: 3 },
      xAxis: { values: (_chart, splits) => splits.map((it) => (it === null ? '' : shown(it))) },
    },
  )

/** Reasons that are drawn; the rest are in the table. */
const reasonsMax = 8
/** Of one kind, light to dark: shed and failed are never of one colour. */
const shades = {
  shed: ['#e07b10', '#b85f00', '#f0a044'],
  failed: ['#d9483b', '#a02318', '#ff8a7d'],
  rejected: ['#8a94a0', '#4c78a8', '#72b7b2', '#b279a2'],
}
const ofKind = {}
const drawn = Object.keys(reasons).slice(0, reasonsMax)
if (drawn.length > 0)
  draw(
    'reasons',
    'requests/s',
    drawn.map((reason) => {
      const kind = reason.split(':')[0]
      const index = ofKind[kind] ?? 0
      ofKind[kind] = index + 1
      const own = shades[kind] ?? [grey]
      return {
        label: reason,
        stroke: own[index % own.length],
        dash: index < own.length ? [] : [4, 3],
        values: column((it) => it.reasons[reason] ?? 0),
      }
    }),
    fromZero,
  )

/** Processes that are drawn: more lines than these nobody can tell apart. */
const processesMax = 10

/** Each process was asked at moments of its own: a point stands at the nearest second. */
function drawServers(elementId, unit, read, yScale = fromZero) {
  const element = document.getElementById(elementId)
  if (element === null) return
  const shownProcesses = servers.processes.slice(0, processesMax)
  const last = Math.max(...shownProcesses.flatMap(({ samples }) => samples.map(({ at }) => at)))
  const x = Array.from({ length: Math.ceil(last) + 1 }, (_, second) => second)
  const series = shownProcesses.map(({ name, samples }, index) => {
    const values = new Array(x.length).fill(null)
    for (const sample of samples) values[Math.round(sample.at)] = read(sample) ?? null
    return { label: name, stroke: charts.color(index), values }
  })
  if (series.every(({ values }) => values.every((value) => value === null))) {
    element.textContent = 'Nobody has told.'
    return
  }
  draw(elementId, unit, series, yScale, { x })
}

drawServers('queueing', 'ms', (it) => it.queueingDelayMs)
drawServers('loop', 'ms', (it) => it.eventLoopMs)
drawServers('sheds', '1/s', (it) => it.shedPerSecond)
drawServers('collisions', '1/s', (it) => it.collisionsPerSecond)
drawServers('processors', 'processors', (it) => it.processors)
drawServers('memory', 'MiB', (it) =>
  it.residentBytes === undefined ? undefined : it.residentBytes / 2 ** 20,
)
