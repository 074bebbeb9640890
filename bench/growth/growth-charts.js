/* global charts */

// Runs in the results' page, after `charts` and with the results in the element `results`.
const { figures } = charts.data('results')
const entries = [...new Set(figures.map((figure) => figure.entries))].sort((a, b) => a - b)
const label = ({ valueBytes, units }) =>
  `${valueBytes} B, ${units} ${units === 1 ? 'unit' : 'units'}`
const labels = [...new Set(figures.map(label))]

charts.draw(
  'commands',
  entries,
  labels.map((name, i) => ({
    label: name,
    stroke: charts.color(i),
    values: entries.map(
      (count) =>
        figures.find((one) => label(one) === name && one.entries === count)?.perSecond ?? null,
    ),
    points: { show: true },
  })),
  {
    scales: {
      x: { time: false, distr: 3 },
      y: { range: (_chart, _least, most) => [0, most * 1.1] },
    },
    axes: [{ label: 'entries' }, { label: 'commands/s', size: 90 }],
    height: 420,
    xLabel: 'entries',
  },
)
