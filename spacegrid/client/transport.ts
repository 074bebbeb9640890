/** One request as it goes out. */
export interface TransportRequest {
  readonly method: 'GET' | 'POST'
  /** Path and query, from the server's root. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Aborted when the client stops or the attempt has taken too long. */
  readonly signal: AbortSignal
}

/** A complete answer. */
export interface TransportResponse {
  readonly status: number
  /** By its name in lower case; undefined: the answer has none. */
  readonly header: (name: string) => string | undefined
  readonly text: string
}

/** How requests travel. Rejects when there is no complete answer. */
export interface Transport {
  send(request: TransportRequest): Promise<TransportResponse>
  /** Ends what is open. */
  close?(): Promise<void>
}

/**
 * By the platform's own `fetch`, which keeps connections open and opens as many as there are
 * requests.
 */
export function fetchTransport(origin: string): Transport {
  return {
    async send({ path, ...init }) {
      const response = await fetch(origin + path, init)
      return {
        status: response.status,
        header: (name) => response.headers.get(name) ?? undefined,
        text: await response.text(),
      }
    },
  }
}
