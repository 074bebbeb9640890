/* global charts */

// Runs in the report's page, after `charts` and with the summary in the element `summary`.
const { seconds } = charts.data('summary')
const column = (read) => seconds.map(read)

function draw(elementId, unit, series, yScale) {
  charts.draw(
    elementId,
    column((second) => second.second),
    series.map(({ label, color, fill, values }) => ({
      label,
      values,
      stroke: color,
      ...(fill ? { fill: `${color}22` } : {}),
      points: { show: seconds.length < 3 },
    })),
    {
      scales: { x: { time: false }, y: yScale },
      axes: [{ label: 'second of the run' }, { label: unit, size: 70 }],
      xLabel: 'second',
    },
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
