import { readdir, readFile } from 'node:fs/promises'
import { metricIn } from 'spacegrid/load/servers/process-sample'
import { lowest, type Point, type Series } from './trend.ts'

/** A process that is watched from the beginning to the end. */
export interface Watched {
  readonly name: string
  readonly pid: number
  /** Of the administration of a role; a server has none. */
  readonly adminPort?: number
}

/** A figure of the whole, such as what a stream holds. */
export type Figure = () => Promise<number | undefined>

const megabyte = 2 ** 20
const answerMsMax = 5000
/** Of memory: how many stretches, of each of which the lowest point counts. */
const stretches = 40

/** How much a figure may grow over half of the time. */
const limits: Readonly<
  Record<string, { readonly allowed: number; readonly allowedShare: number }>
> = {
  memory: { allowed: 16 * megabyte, allowedShare: 0.1 },
  heap: { allowed: 8 * megabyte, allowedShare: 0.1 },
  descriptors: { allowed: 4, allowedShare: 0.05 },
  lag: { allowed: 50, allowedShare: 0.1 },
  disk: { allowed: 16 * megabyte, allowedShare: 0.1 },
}

/**
 * Memory and open files of processes (by `/proc`), their heaps and lag, and figures of the whole.
 */
export class Sampler {
  readonly #begun = performance.now()
  readonly #points = new Map<string, Point[]>()
  readonly #watched: readonly Watched[]
  readonly #figures: Readonly<Record<string, Figure>>

  /** @param figures by their kind and name, such as `disk of MongoDB` */
  constructor(watched: readonly Watched[], figures: Readonly<Record<string, Figure>> = {}) {
    this.#watched = watched
    this.#figures = figures
  }

  async sample(): Promise<void> {
    await Promise.all([
      ...this.#watched.map((process) => this.#sampleOf(process)),
      ...Object.entries(this.#figures).map(async ([what, figure]) => {
        this.#add(what, await figure())
      }),
    ])
  }

  series(): Series[] {
    return [...this.#points].map(([what, points]) => {
      const kind = what.split(' ', 1)[0] as string
      const limit = limits[kind]
      if (!limit) throw new Error(`nothing says how much ${kind} may grow`)
      const isMemory = kind === 'memory' || kind === 'heap'
      return { what, points: isMemory ? lowest(points, stretches) : points, ...limit }
    })
  }

  async #sampleOf({ name, pid, adminPort }: Watched): Promise<void> {
    const [status, open] = await Promise.all([
      readFile(`/proc/${pid}/status`, 'utf8'),
      readdir(`/proc/${pid}/fd`),
    ])
    const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(status) ?? []
    this.#add(`memory of ${name}`, kilobytes === undefined ? undefined : 1024 * Number(kilobytes))
    this.#add(`descriptors of ${name}`, open.length)
    if (adminPort === undefined) return
    const [metrics, told] = await Promise.all([
      textOf(adminPort, 'metrics'),
      textOf(adminPort, 'status'),
    ])
    this.#add(`heap of ${name}`, metricIn(metrics, 'nodejs_heap_size_used_bytes'))
    const { spaces = {} } = JSON.parse(told || '{}') as {
      readonly spaces?: Readonly<Record<string, { readonly lag?: number }>>
    }
    const lags = Object.values(spaces).flatMap(({ lag }) => lag ?? [])
    if (lags.length > 0) this.#add(`lag of ${name}`, Math.max(...lags))
  }

  #add(what: string, value: number | undefined): void {
    if (value === undefined || !Number.isFinite(value)) return
    const points = this.#points.get(what) ?? []
    points.push({ at: (performance.now() - this.#begun) / 1000, value })
    this.#points.set(what, points)
  }
}

/** Empty: it does not answer just now. */
const textOf = async (adminPort: number, path: string): Promise<string> => {
  try {
    const response = await fetch(`http://127.0.0.1:${adminPort}/${path}`, {
      signal: AbortSignal.timeout(answerMsMax),
    })
    return await response.text()
  } catch {
    return ''
  }
}
