/* global charts */

// Runs in the results' page, after `charts` and with the results in the element `results`.
const { measurements } = charts.data('results')
const concurrencies = [...new Set(measurements.map((m) => m.concurrency))].sort((a, b) => a - b)
const logName = (log) => (log === 'none' ? '' : `, ${log.split(' ')[0]}`)
const labelOf = (m) => `${m.task}${logName(m.log)}`
/** Tasks that were measured at one concurrency only are in the table. */
const labels = [...new Set(measurements.map(labelOf))].filter(
  (label) => measurements.filter((m) => labelOf(m) === label).length > 1,
)

const find = (label, concurrency) =>
  measurements.find((m) => labelOf(m) === label && m.concurrency === concurrency)
const values = (label, read) =>
  concurrencies.map((c) => (find(label, c) ? read(find(label, c)) : null))

function draw(elementId, unit, series) {
  charts.draw(
    elementId,
    concurrencies,
    series.map((one) => ({ points: { show: true }, ...one })),
    {
      scales: { x: { time: false, distr: 3, log: 2 }, y: { distr: 3 } },
      axes: [
        {
          label: 'at a time',
          values: (_chart, splits) => splits.map((s) => (concurrencies.includes(s) ? s : '')),
        },
        { label: unit, size: 80 },
      ],
      height: 420,
      xLabel: 'at a time',
    },
  )
}

const lines = (read, rest) => (label, i) => ({
  label,
  stroke: charts.color(i),
  values: values(label, read),
  ...rest,
})
for (const [kind, own] of [
  ['reads', labels.filter((label) => !label.startsWith('command'))],
  ['commands', labels.filter((label) => label.startsWith('command'))],
]) {
  if (own.length === 0) continue
  draw(`rates-${kind}`, 'operations/s', own.map(lines((m) => m.perSecond)))
  const p99 = own.map(lines((m) => m.p99, { dash: [6, 6] }))
  draw(`latencies-${kind}`, 'ms', [
    ...own.map(lines((m) => m.p50)),
    ...p99.map((one) => ({ ...one, label: `${one.label} p99` })),
  ])
}
