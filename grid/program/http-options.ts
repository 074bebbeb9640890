import type { HttpOptions } from '../doors/http/http-server.ts'
import type { TlsFiles } from '../doors/http/tls-files.ts'
import type { Environment } from './environment.ts'
import { rateLimitOf } from './rate-limit-text.ts'

/** Whether callers may ask how answers were found. */
export const explains = ({ EXPLAIN, NODE_ENV }: Environment): boolean =>
  EXPLAIN ?? NODE_ENV !== 'production'

/** What the environment says of the public HTTP door. */
export function httpOptionsOf(environment: Environment): Partial<HttpOptions> {
  return {
    tls: tlsOf(environment),
    bodyBytesMax: environment.BODY_BYTES_MAX,
    requestTimeoutMs: environment.REQUEST_TIMEOUT_MS,
    connectionsMax: environment.CONNECTIONS_MAX,
    rateLimit:
      environment.RATE_LIMIT === undefined ? undefined : rateLimitOf(environment.RATE_LIMIT),
    streams: { streamsMax: environment.STREAMS_MAX },
    undeclaredReadable: environment.NODE_ENV !== 'production',
    corsOrigins: environment.CORS_ORIGINS?.split(',') ?? [],
    trustedProxies: environment.TRUSTED_PROXIES?.split(',') ?? [],
    compressionLengthMin: environment.COMPRESSION_LENGTH_MIN,
  }
}

/** undefined: plain HTTP. */
export const tlsOf = ({
  TLS_CERT_FILE: certFile,
  TLS_KEY_FILE,
}: Environment): TlsFiles | undefined =>
  certFile === undefined ? undefined : { certFile, keyFile: TLS_KEY_FILE ?? certFile }
