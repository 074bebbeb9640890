import { keepTraces } from '../doors/request/trace.ts'
import type { OtlpTracing } from '../drivers/opentelemetry/otlp-tracing.ts'
import type { Environment } from './environment.ts'

/**
 * Where spans of this process go; undefined: nobody wants them. What sends them is loaded by those
 * who do only.
 * @param role as its status calls it
 */
export async function openTracing(
  {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_TRACES_SAMPLER_ARG: share,
    UNIT_NAME: unit,
  }: Pick<Environment, 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_TRACES_SAMPLER_ARG' | 'UNIT_NAME'>,
  role: string,
): Promise<OtlpTracing | undefined> {
  if (endpoint === undefined) return undefined
  const { OtlpTracing } = await import('../drivers/opentelemetry/otlp-tracing.ts')
  keepTraces(share)
  return new OtlpTracing(endpoint, { role, unit })
}
