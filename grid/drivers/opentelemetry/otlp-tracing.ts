import { randomBytes } from 'node:crypto'
import { type Attributes, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { type Span, type SpanStart, type Tracing, traceIdOf } from '../../engine/ports/tracing.ts'

/** Who tells spans. */
export interface TracedProcess {
  /** As its status calls it. */
  readonly role: string
  readonly unit: string
}

const kinds = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
} as const satisfies Record<SpanStart['kind'], SpanKind>

const scope = { name: 'spacegrid' }
const none: readonly never[] = []

/**
 * Sends spans to a collector by OTLP over HTTP, in batches, with the exporter and the batches of
 * OpenTelemetry. It makes spans itself: whose child each is travels in records, and never follows
 * from what runs in which asynchronous context, which would cost every request something.
 */
export class OtlpTracing implements Tracing {
  readonly #processor: BatchSpanProcessor
  readonly #resource: ReadableSpan['resource']

  /** @param endpoint as `OTEL_EXPORTER_OTLP_ENDPOINT` has it: `/v1/traces` is added */
  constructor(endpoint: string, { role, unit }: TracedProcess) {
    const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`
    this.#processor = new BatchSpanProcessor(new OTLPTraceExporter({ url }), {
      scheduledDelayMillis: 1000,
    })
    this.#resource = resourceFromAttributes({
      'service.name': `spacegrid-${role}`,
      'service.namespace': 'spacegrid',
      'service.instance.id': unit,
    })
  }

  begin({ name, kind, parent, own, attributes }: SpanStart): Span {
    const traceId = traceIdOf(own ?? parent ?? '') || randomBytes(16).toString('hex')
    const spanId = own?.slice(36, 52) ?? randomBytes(8).toString('hex')
    const startTime = hrTime()
    return {
      traceparent: `00-${traceId}-${spanId}-01`,
      end: (failed, more) => {
        const endTime = hrTime()
        const context = (id: string) => ({ traceId, spanId: id, traceFlags: TraceFlags.SAMPLED })
        const told: Attributes = { ...attributes, ...more }
        this.#processor.onEnd({
          ...{ name, kind: kinds[kind], startTime, endTime, ended: true },
          spanContext: () => context(spanId),
          ...(parent === undefined ? {} : { parentSpanContext: context(parent.slice(36, 52)) }),
          duration: between(startTime, endTime),
          status:
            failed === undefined
              ? { code: SpanStatusCode.UNSET }
              : { code: SpanStatusCode.ERROR, message: failed },
          attributes: failed === undefined ? told : { ...told, 'error.type': failed },
          ...{ links: [...none], events: [...none] },
          ...{ resource: this.#resource, instrumentationScope: scope },
          ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
        })
      },
    }
  }

  /** Sends what it still has. */
  async close(): Promise<void> {
    await this.#processor.shutdown()
  }
}

function hrTime(): [seconds: number, nanoseconds: number] {
  const ms = performance.timeOrigin + performance.now()
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)]
}

function between(
  [fromSeconds, fromNanoseconds]: [number, number],
  [toSeconds, toNanoseconds]: [number, number],
): [number, number] {
  const nanoseconds = toNanoseconds - fromNanoseconds
  const seconds = toSeconds - fromSeconds
  return nanoseconds < 0 ? [seconds - 1, nanoseconds + 1e9] : [seconds, nanoseconds]
}
