import type { Measurement } from './results.ts'

const columns = [
  ['task', -36],
  ['log', -9],
  ['at a time', 9],
  ['per second', 11],
  ['p50 ms', 9],
  ['p99 ms', 9],
  ['p99.9 ms', 9],
  ['bytes each', 10],
  ['re-executions', 13],
  ['against last', 12],
] as const

/** Measurements on the screen, a line each as soon as it is there. */
export class MeasurementTable {
  readonly #stream: NodeJS.WritableStream

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream
    this.#line(columns.map(([heading]) => heading))
  }

  add(measurement: Measurement): void {
    const { task, log, concurrency, perSecond, p50, p99, p999 } = measurement
    const { allocatedBytes, collisions, againstLast } = measurement
    this.#line([
      task,
      log.split(' ')[0] ?? '',
      String(concurrency),
      perSecond.toLocaleString('en'),
      ...[p50, p99, p999].map((ms) => ms.toFixed(4)),
      allocatedBytes?.toLocaleString('en') ?? '',
      collisions.toFixed(2),
      againstLast === undefined ? '' : `${againstLast.toFixed(2)} x`,
    ])
  }

  #line(cells: readonly string[]): void {
    const text = cells.map((cell, i) => {
      const [, width] = columns[i] as (typeof columns)[number]
      return width < 0 ? cell.padEnd(-width) : cell.padStart(width)
    })
    this.#stream.write(`${text.join(' ').trimEnd()}\n`)
  }
}
