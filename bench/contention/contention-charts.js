/* global charts */

// Runs in the results' page, after `charts` and with the results in the element `results`.
const { rows } = charts.data('results')
const names = {
  units: 'units',
  updatesPerSecond: 'updates per second, planned',
  entries: 'entries',
  replicationMs: 'replication latency, planned, ms',
}

for (const { factor, figures } of rows) {
  const name = names[factor]
  if (name === undefined) continue
  const sorted = figures.toSorted((one, other) => one.planned[factor] - other.planned[factor])
  const series = [
    ['measured', '#4c78a8', (figure) => figure.collisionsPerSecond, { points: { show: true } }],
    ['derived', '#3f9c56', (figure) => figure.expected, { dash: [6, 4] }],
    ['book', '#e07b10', (figure) => figure.book, { dash: [2, 4] }],
  ]
  charts.draw(
    factor,
    sorted.map((figure) => figure.planned[factor]),
    series.map(([label, stroke, read, more]) => ({
      ...{ label, stroke, ...more },
      values: sorted.map(read),
    })),
    {
      scales: {
        x: { time: false, distr: factor === 'units' ? 1 : 3 },
        y: { range: (_chart, _least, most) => [0, Math.max(1, most * 1.1)] },
      },
      axes: [{ label: name }, { label: 'collisions/s', size: 60 }],
      height: 260,
      xLabel: name,
    },
  )
}
