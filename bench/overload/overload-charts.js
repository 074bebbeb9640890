/* global charts */

// Runs in the results' page, after `charts` and with the results in the element `results`.
const { rows } = charts.data('results')
const colours = ['#888888', '#b07aa1', '#e07b10', '#c03d3e', '#3f9c56', '#4c78a8']
const secondsOf = (row) => [...row.overload.bySecond, ...row.after.bySecond]
const longest = Math.max(...rows.map((row) => secondsOf(row).length))
const seconds = Array.from({ length: longest }, (_, second) => second)

for (const [id, read, distr] of [
  ['inTime', ({ inTime }) => inTime, 1],
  // Where nobody was answered there is nothing to show.
  ['p99', ({ p99 }) => (p99 > 0 ? p99 : null), 3],
])
  charts.draw(
    id,
    seconds,
    rows.map((row, at) => ({
      label: row.policy,
      stroke: colours[at % colours.length],
      values: secondsOf(row).map(read),
    })),
    {
      scales: { x: { time: false }, y: { distr } },
      axes: [{ label: 's since the overload began' }, { size: 60 }],
      height: 300,
      xLabel: 's',
    },
  )
