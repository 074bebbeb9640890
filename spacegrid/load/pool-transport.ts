import { Pool } from 'undici'
import type { Transport } from '../client/index.ts'

export interface PoolTransportOptions {
  /** Connections at most: one for each request that may be open. */
  readonly connections: number
  readonly timeoutMs: number
}

/**
 * Requests of thousands of users: a connection for each that is open, and less work for each than
 * `fetch` takes.
 */
export function poolTransport(
  origin: string,
  { connections, timeoutMs }: PoolTransportOptions,
): Transport {
  const pool = new Pool(origin, {
    connections,
    // One request per connection: a pipelined request would wait for the one before it, and the
    // wait would look like the grid's.
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connectTimeout: timeoutMs,
  })
  return {
    // The pool has its own time limits: a signal for each request would cost more than the request.
    async send({ path, method, headers: given, body: sent }) {
      const {
        statusCode: status,
        headers,
        body,
      } = await pool.request({
        ...{ path, method, headers: given },
        ...(sent === undefined ? {} : { body: sent }),
      })
      return {
        status,
        header: (name) => {
          const value = headers[name]
          return Array.isArray(value) ? value[0] : value
        },
        text: await body.text(),
      }
    },
    close: () => pool.destroy(),
  }
}
