/** A recording of real arrivals. */
export interface Trace {
  /** Arrivals in each second, gaps filled with zero. */
  readonly requests: readonly number[]
  readonly format: 'csv' | 'access log'
  /** Lines of an access log that name no time; a CSV has none. */
  readonly skippedLines: number
}

/** The recording cannot be read; the message names the line. */
export class TraceError extends Error {
  override readonly name = 'TraceError'
}

/**
 * About eleven days of seconds: more is a mistaken timestamp, and would fill the memory with zeros.
 */
export const traceSecondsMax = 1_000_000

/**
 * Access logs carry the odd damaged line; more than this share means that the file is something
 * else.
 */
const skippedShareMax = 0.05

type Lines = AsyncIterable<string> | Iterable<string>

/**
 * Reads a recording line by line, so that a large log needs memory for its seconds only. The first
 * line decides between CSV `second,requests` (with or without that heading) and a web server's
 * common or combined access log.
 *
 * @throws TraceError naming the line
 */
export async function readTrace(lines: Lines): Promise<Trace> {
  const counts = new SecondCounts()
  let format: Trace['format'] | undefined
  let lineNumber = 0
  let read = 0
  let skippedLines = 0
  for await (const raw of lines) {
    lineNumber += 1
    const line = raw.trim()
    if (line === '') continue
    if (format === undefined) {
      format = /^(second,requests|[\d.\s]+,[\d.\s]+)$/i.test(line) ? 'csv' : 'access log'
      if (/^second,/i.test(line)) continue
    }
    const entry = format === 'csv' ? csvEntry(line, lineNumber) : accessLogEntry(line)
    if (entry === undefined) {
      skippedLines += 1
      continue
    }
    counts.add(entry, lineNumber)
    read += 1
  }
  if (read === 0) throw new TraceError('The trace has no arrivals: neither CSV nor an access log')
  if (skippedLines > skippedShareMax * (read + skippedLines)) {
    throw new TraceError(`${skippedLines} of ${lineNumber} lines name no time: not an access log`)
  }
  return { requests: counts.requests(), format: format ?? 'csv', skippedLines }
}

interface TraceEntry {
  readonly second: number
  readonly requests: number
}

function csvEntry(line: string, lineNumber: number): TraceEntry {
  const [second, requests, ...rest] = line.split(',').map(Number)
  const usable =
    rest.length === 0 &&
    isWhole(second) &&
    requests !== undefined &&
    requests >= 0 &&
    requests < 1e9
  if (!usable) {
    throw new TraceError(`line ${lineNumber}: expected second,requests as numbers, got: ${line}`)
  }
  return { second, requests }
}

const isWhole = (value: number | undefined): value is number =>
  value !== undefined && Number.isSafeInteger(value) && value >= 0

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const logTime = /\[(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})\]/

/**
 * One request of a common or combined log; both carry the time as `[10/Oct/2000:13:55:36 -0700]`.
 */
function accessLogEntry(line: string): TraceEntry | undefined {
  const found = logTime.exec(line)
  if (found === null) return undefined
  const [, day, month, year, hour, minute, second, sign, zoneHours, zoneMinutes] = found
  const monthIndex = months.indexOf(month ?? '')
  if (monthIndex < 0) return undefined
  const utcMs = Date.UTC(
    Number(year),
    monthIndex,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  )
  const offsetSeconds = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60
  return { second: utcMs / 1000 - (sign === '-' ? -offsetSeconds : offsetSeconds), requests: 1 }
}

/**
 * Counts per second, whatever the order: a log is written when requests end, so its times run
 * slightly back and forth.
 */
class SecondCounts {
  readonly #counts = new Map<number, number>()
  #first = Number.POSITIVE_INFINITY
  #last = Number.NEGATIVE_INFINITY

  add({ second, requests }: TraceEntry, lineNumber: number): void {
    this.#first = Math.min(this.#first, second)
    this.#last = Math.max(this.#last, second)
    if (this.#last - this.#first >= traceSecondsMax) {
      throw new TraceError(`line ${lineNumber}: the trace spans more than ${traceSecondsMax} s`)
    }
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + requests)
  }

  requests(): number[] {
    const seconds = this.#last - this.#first + 1
    return Array.from({ length: seconds }, (_, index) => this.#counts.get(this.#first + index) ?? 0)
  }
}
