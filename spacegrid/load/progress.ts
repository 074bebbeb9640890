import cliProgress from 'cli-progress'
import type { Measurements } from './measurements.ts'

export interface ProgressOptions {
  readonly measurements: Measurements
  readonly durationSeconds: number
  /** Ms since the run began. */
  readonly now: () => number
  /** Requests sent and not yet answered. */
  readonly open: () => number
  readonly stream: NodeJS.WriteStream
}

/** Often enough to watch; a log that nobody watches gets a line now and then. */
const terminalIntervalMs = 500
const logIntervalMs = 5000

/**
 * Shows a run's progress until it is stopped: one line that changes on a terminal, a line every
 * five seconds elsewhere.
 */
export function showProgress(options: ProgressOptions): { stop(): void } {
  return options.stream.isTTY ? showBar(options) : writeLines(options)
}

function showBar(options: ProgressOptions): { stop(): void } {
  const { durationSeconds, now, stream } = options
  const bar = new cliProgress.SingleBar({
    format: '{bar} {seconds} s  {state}',
    stream,
    clearOnComplete: true,
    // Its own signal handlers would keep the process from ending.
    gracefulExit: false,
  })
  const payload = (): Record<string, string> => ({
    seconds: (now() / 1000).toFixed(0),
    state: stateText(options),
  })
  bar.start(durationSeconds, 0, payload())
  const timer = setInterval(
    () => bar.update(Math.min(durationSeconds, now() / 1000), payload()),
    terminalIntervalMs,
  )
  return {
    stop: () => {
      clearInterval(timer)
      bar.stop()
    },
  }
}

function writeLines(options: ProgressOptions): { stop(): void } {
  const timer = setInterval(() => {
    const seconds = (options.now() / 1000).toFixed(0)
    options.stream.write(`${seconds} s  ${stateText(options)}\n`)
  }, logIntervalMs)
  return { stop: () => clearInterval(timer) }
}

function stateText({ measurements, now, open }: ProgressOptions): string {
  const { total, latency } = measurements
  const lastSecond = measurements.seconds[Math.floor(now() / 1000) - 1]
  const p99Ms = latency.totalCount === 0 ? 0 : latency.getValueAtPercentile(99) / 1000
  return [
    `offered ${lastSecond?.offered ?? 0}/s`,
    `answered ${lastSecond?.answered ?? 0}/s`,
    `admitted ${total.admitted}`,
    `shed ${total.shed}`,
    `failed ${total.failed}`,
    `open ${open()}`,
    `p99 ${p99Ms.toFixed(1)} ms`,
  ].join('  ')
}
