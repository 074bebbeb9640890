import { type FastifyInstance, fastify } from 'fastify'

/** A span as a collector gets it. */
export interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty: the trace begins with it. */
  readonly parentId: string
  readonly name: string
  /** `service.name` and `service.instance.id` of the process that tells it. */
  readonly service: string
  readonly unit: string
  /** ms since the epoch. */
  readonly begun: number
  readonly ended: number
  readonly attributes: Readonly<Record<string, string | number>>
}

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string }
}

interface ResourceSpans {
  readonly resource: { readonly attributes: readonly Attribute[] }
  readonly scopeSpans: readonly {
    readonly spans: readonly {
      readonly traceId: string
      readonly spanId: string
      readonly parentSpanId?: string
      readonly name: string
      readonly startTimeUnixNano: string
      readonly endTimeUnixNano: string
      readonly attributes: readonly Attribute[]
    }[]
  }[]
}

/** What stands in for a collector: takes OTLP as JSON over HTTP, and keeps the spans. */
export class OtlpCollector implements AsyncDisposable {
  readonly url: string
  readonly spans: CollectedSpan[] = []
  readonly #app: FastifyInstance

  private constructor(app: FastifyInstance, url: string) {
    this.#app = app
    this.url = url
  }

  static async start(): Promise<OtlpCollector> {
    const app = fastify({ logger: false, bodyLimit: 16 * 1024 * 1024 })
    let collector: OtlpCollector | undefined
    app.post<{ Body: { readonly resourceSpans: readonly ResourceSpans[] } }>(
      '/v1/traces',
      async ({ body }) => {
        for (const one of body.resourceSpans) collector?.spans.push(...spansOf(one))
        return {}
      },
    )
    collector = new OtlpCollector(app, await app.listen({ host: '127.0.0.1', port: 0 }))
    return collector
  }

  /** Of one trace, by when they began. */
  trace(traceId: string): readonly CollectedSpan[] {
    return this.spans
      .filter((span) => span.traceId === traceId)
      .sort((one, other) => one.begun - other.begun)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close()
  }
}

function* spansOf({ resource, scopeSpans }: ResourceSpans): Generator<CollectedSpan> {
  const { 'service.name': service, 'service.instance.id': unit } = read(resource.attributes)
  for (const { spans } of scopeSpans)
    for (const { traceId, spanId, parentSpanId = '', name, attributes, ...times } of spans)
      yield {
        ...{ traceId, spanId, parentId: parentSpanId, name },
        ...{ service: String(service), unit: String(unit) },
        begun: Number(times.startTimeUnixNano) / 1e6,
        ended: Number(times.endTimeUnixNano) / 1e6,
        attributes: read(attributes),
      }
}

const read = (attributes: readonly Attribute[]): Record<string, string | number> =>
  Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue } }) => [
      key,
      stringValue ?? Number(intValue),
    ]),
  )
