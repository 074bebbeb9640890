/** What is counted or observed, and by which labels it is told apart. */
export interface Metric {
  /** As people find it: `spacegrid_command_seconds`. One name is one metric in a process. */
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

export interface HistogramMetric extends Metric {
  /** Upper bounds of the buckets, ascending. */
  readonly bounds: readonly number[]
}

export interface Count {
  /** @param times default 1 */
  add(times?: number): void
}

export interface Distribution {
  /** @param traceId of a trace that is kept, in which it can be seen what this one was about */
  observe(value: number, traceId?: string): void
}

/**
 * A way in for what a component measures by itself, beside what its status says. What is asked for
 * with the values of its labels is kept by whoever asks: to add to it then costs next to nothing.
 * Values of labels must be few (names of commands, codes of errors), for each of their combinations
 * is kept for good.
 */
export interface Telemetry {
  /** @param values of the labels, in their order */
  count(metric: Metric, values: readonly string[]): Count
  /** @param values of the labels, in their order */
  distribution(metric: HistogramMetric, values: readonly string[]): Distribution
}

const nothing: Count & Distribution = { add: () => undefined, observe: () => undefined }

/** Nobody looks. */
export const noTelemetry: Telemetry = { count: () => nothing, distribution: () => nothing }
