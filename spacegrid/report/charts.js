/* global uPlot */

// Runs in a result's page, after uPlot and before the page's own script, which draws with it.
// biome-ignore lint/correctness/noUnusedVariables: the page's own script uses it.
const charts = (() => {
  const ink = getComputedStyle(document.body).color
  const line = 'rgba(128, 128, 128, 0.25)'
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } }
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
  return {
    axis,
    color: (index) => colors[index % colors.length],
    data: (id) => JSON.parse(document.getElementById(id).textContent),
    /** `series`: [{ label, values, …what uPlot takes }] over the numbers `x`. */
    draw: (elementId, x, series, { scales, axes, height = 300, xLabel }) => {
      const element = document.getElementById(elementId)
      const width = () => Math.min(1080, element.clientWidth)
      const plot = new uPlot(
        {
          width: width(),
          height,
          scales,
          axes: axes.map((one) => ({ ...axis, ...one })),
          series: [
            { label: xLabel },
            ...series.map(({ values, ...one }) => ({ width: 2, spanGaps: true, ...one })),
          ],
        },
        [x, ...series.map(({ values }) => values)],
        element,
      )
      // A phone that is turned has another width.
      addEventListener('resize', () => plot.setSize({ width: width(), height }))
    },
  }
})()
