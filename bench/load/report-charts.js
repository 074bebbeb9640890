/* global uPlot */

// Runs in the report's page, after uPlot and with the summary in the element `summary`.
const summary = JSON.parse(document.getElementById('summary').textContent)
const seconds = summary.seconds
const column = (read) => seconds.map(read)
const ink = getComputedStyle(document.body).color
const grid = 'rgba(128, 128, 128, 0.25)'
const axis = { stroke: ink, grid: { stroke: grid }, ticks: { stroke: grid } }

function draw(elementId, unit, series, yScale) {
  const element = document.getElementById(elementId)
  const width = Math.min(1080, element.clientWidth)
  const lines = series.map(({ label, color, fill }) => ({
    label,
    stroke: color,
    width: 2,
    ...(fill ? { fill: `${color}22` } : {}),
    points: { show: seconds.length < 3 },
  }))
  new uPlot(
    {
      width,
      height: 300,
      scales: { x: { time: false }, y: yScale },
      axes: [
        { ...axis, label: 'second of the run' },
        { ...axis, label: unit, size: 70 },
      ],
      series: [{ label: 'second' }, ...lines],
    },
    [column((second) => second.second), ...series.map(({ values }) => values)],
    element,
  )
}

draw(
  'rates',
  'requests/s',
  [
    { label: 'offered', color: '#4c78a8', values: column((second) => second.offered) },
    { label: 'answered', color: '#54a24b', values: column((second) => second.answered) },
    { label: 'shed', color: '#f58518', fill: true, values: column((second) => second.shed) },
    { label: 'failed', color: '#e45756', fill: true, values: column((second) => second.failed) },
  ],
  { range: (_chart, _least, most) => [0, Math.max(1, most * 1.05)] },
)

draw(
  'latencies',
  'ms',
  [
    { label: 'p50', color: '#54a24b', values: column((second) => second.latencyMs.p50) },
    { label: 'p90', color: '#4c78a8', values: column((second) => second.latencyMs.p90) },
    { label: 'p99', color: '#f58518', values: column((second) => second.latencyMs.p99) },
    { label: 'max', color: '#e45756', values: column((second) => second.latencyMs.max) },
  ],
  { distr: 3 },
)
