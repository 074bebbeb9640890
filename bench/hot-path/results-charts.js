/* global uPlot */

// Runs in the results' page, after uPlot and with the results in the element `results`.
const { measurements } = JSON.parse(document.getElementById('results').textContent)
const concurrencies = [...new Set(measurements.map((m) => m.concurrency))].sort((a, b) => a - b)
const logName = (log) => (log === 'none' ? '' : `, ${log.split(' ')[0]}`)
const labels = [...new Set(measurements.map((m) => `${m.task}${logName(m.log)}`))]
const colors = [
  '#4c78a8',
  '#f58518',
  '#54a24b',
  '#e45756',
  '#72b7b2',
  '#b279a2',
  '#9d755d',
  '#bab0ac',
  '#eeca3b',
  '#ff9da6',
]
const ink = getComputedStyle(document.body).color
const grid = 'rgba(128, 128, 128, 0.25)'
const axis = { stroke: ink, grid: { stroke: grid }, ticks: { stroke: grid } }

const find = (label, concurrency) =>
  measurements.find((m) => `${m.task}${logName(m.log)}` === label && m.concurrency === concurrency)
const values = (label, read) =>
  concurrencies.map((c) => (find(label, c) ? read(find(label, c)) : null))

function draw(elementId, unit, series) {
  const element = document.getElementById(elementId)
  new uPlot(
    {
      width: Math.min(1080, element.clientWidth),
      height: 420,
      scales: { x: { time: false, distr: 3, log: 2 }, y: { distr: 3 } },
      axes: [
        {
          ...axis,
          label: 'at a time',
          values: (_chart, splits) => splits.map((s) => (concurrencies.includes(s) ? s : '')),
        },
        { ...axis, label: unit, size: 80 },
      ],
      series: [
        { label: 'at a time' },
        ...series.map(({ label, color, dash }) => ({
          label,
          stroke: color,
          width: 2,
          dash,
          points: { show: true },
        })),
      ],
    },
    [concurrencies, ...series.map((one) => one.values)],
    element,
  )
}

const color = (i) => colors[i % colors.length]
draw(
  'rates',
  'operations/s',
  labels.map((label, i) => ({ label, color: color(i), values: values(label, (m) => m.perSecond) })),
)
draw('latencies', 'ms', [
  ...labels.map((label, i) => ({ label, color: color(i), values: values(label, (m) => m.p50) })),
  ...labels.map((label, i) => ({
    label: `${label} p99`,
    color: color(i),
    dash: [6, 6],
    values: values(label, (m) => m.p99),
  })),
])
