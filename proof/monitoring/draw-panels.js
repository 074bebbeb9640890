/** Runs in the page. */
globalThis.drawPanels = ({ title, drawn, start, end }) => {
  const [column, line, gap] = [1580 / 24, 34, 4]
  const colours = ['#73bf69', '#f2cc0c', '#8ab8ff', '#ff780a', '#f2495c', '#b877d9', '#37872d']
  const units = {
    s: (value) =>
      value < 1 ? `${+(value * 1000).toPrecision(3)} ms` : `${+value.toPrecision(3)} s`,
    percentunit: (value) => `${+(value * 100).toPrecision(3)} %`,
    none: (value) => String(+value.toPrecision(4)),
  }
  const heading = document.querySelector('h1')
  const main = document.querySelector('main')
  if (!heading || !main) return
  const told = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19)
  heading.textContent = `${title}: ${told(start)} to ${told(end)}`
  const bottom = Math.max(...drawn.map(({ gridPos: { y, h } }) => y + h))
  main.style.height = `${bottom * line + 20}px`
  const times = Array.from({ length: Math.floor((end - start) / 5) + 1 }, (_, at) => start + at * 5)
  for (const { title: name, type, gridPos, series, fieldConfig } of drawn) {
    const text = units[fieldConfig?.defaults.unit ?? ''] ?? units.none
    const panel = document.createElement('section')
    panel.className = type
    const [width, height] = [gridPos.w * column - gap, gridPos.h * line - gap]
    panel.style.cssText = `left:${gridPos.x * column}px;top:${gridPos.y * line}px;width:${width}px;height:${height}px`
    panel.append(name)
    main.append(panel)
    if (type === 'stat') {
      const last = series.flatMap(({ values }) => Number(values.at(-1)?.[1] ?? Number.NaN))
      const value = document.createElement('b')
      value.textContent = last.length === 0 ? 'no data' : (text(Math.max(...last)) ?? '')
      panel.append(value)
    }
    if (type !== 'timeseries') continue
    const legend = document.createElement('p')
    const columns = series.map(({ values }) => {
      const known = new Map(values.map(([seconds, value]) => [Math.round(seconds), Number(value)]))
      return times.map((time) => {
        const value = known.get(Math.round(time))
        return value === undefined || Number.isNaN(value) ? null : value
      })
    })
    const { uPlot } = globalThis
    const axis = { stroke: '#8e8e9c', grid: { stroke: '#26292e' }, font: '10px sans-serif' }
    if (series.length > 0)
      new uPlot(
        {
          ...{ width: width - 18, height: height - 64, legend: { show: false } },
          scales: { y: { range: (_, __, max) => [0, max || 1] } },
          axes: [
            { ...axis, size: 26 },
            {
              ...axis,
              size: 62,
              values: (_, all) => all.map((value) => text(value)),
            },
          ],
          series: [
            {},
            ...series.map((_, at) => ({
              stroke: colours[at % colours.length],
              points: { show: false },
            })),
          ],
        },
        [times, ...columns],
        panel,
      )
    for (const [at, { label }] of series.entries()) {
      const item = document.createElement('span')
      item.style.color = colours[at % colours.length] ?? ''
      item.textContent = `▬ ${label}  `
      legend.append(item)
    }
    panel.append(legend)
  }
}
