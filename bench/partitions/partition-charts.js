/* global charts */

// Runs in the results' page, after `charts` and with the results in the element `results`.
const { figures } = charts.data('results')

for (const table of new Set(figures.map((figure) => figure.table))) {
  const own = figures.filter((figure) => figure.table === table)
  const xs = [...new Set(own.map(({ x }) => x))].sort((one, other) => one - other)
  const series = [...new Set(own.map((figure) => figure.series))]
  const [{ xLabel, yLabel }] = own
  charts.draw(
    `chart-${table.replaceAll(/\W+/g, '-')}`,
    xs,
    series.map((label, i) => ({
      label,
      stroke: charts.color(i),
      values: xs.map(
        (x) => own.find((one) => one.series === label && one.x === x)?.y.median ?? null,
      ),
      points: { show: true },
    })),
    {
      scales: {
        x: { time: false, distr: 3, log: 2 },
        y: { range: (_chart, _least, most) => [0, most * 1.1] },
      },
      axes: [
        { label: xLabel, values: (_chart, splits) => splits.map((s) => (xs.includes(s) ? s : '')) },
        { label: yLabel, size: 90 },
      ],
      xLabel,
    },
  )
}
