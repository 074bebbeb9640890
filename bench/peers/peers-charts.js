/* global charts */

// Runs in the results' page, after `charts` and with the results in the element `results`.
const { figures } = charts.data('results')

for (const table of new Set(figures.map((figure) => figure.table))) {
  const own = figures.filter((figure) => figure.table === table)
  const inFlight = [...new Set(own.map((figure) => figure.inFlight))].sort((a, b) => a - b)
  if (inFlight.length < 2) continue
  const labels = [...new Set(own.map((figure) => `${figure.subject}: ${figure.operation}`))]
  const rate = (label, count) =>
    own.find((one) => `${one.subject}: ${one.operation}` === label && one.inFlight === count)
      ?.perSecond.median ?? null
  charts.draw(
    `chart-${table.replaceAll(/\W+/g, '-')}`,
    inFlight,
    labels.map((label, i) => ({
      label,
      stroke: charts.color(i),
      dash: i < 10 ? [] : [6, 6],
      values: inFlight.map((count) => rate(label, count)),
      points: { show: true },
    })),
    {
      scales: { x: { time: false, distr: 3, log: 2 }, y: { distr: 3 } },
      axes: [
        {
          label: 'in flight',
          values: (_chart, splits) => splits.map((s) => (inFlight.includes(s) ? s : '')),
        },
        { label: 'operations/s', size: 90 },
      ],
      height: 360,
      xLabel: 'in flight',
    },
  )
}
