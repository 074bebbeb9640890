/** What is asked, whatever it travels by. */
export interface Call {
  readonly space: string
  readonly kind: 'command' | 'query' | 'entry' | 'history' | 'archive' | 'events' | 'live'
  /** Of the command, the query or the cache. */
  readonly name: string
  /** Of a command or a query; of a history which key and page. */
  readonly input?: unknown
}

/** One request as it goes out. */
export interface TransportRequest {
  /** For those that do not travel by HTTP. */
  readonly call: Call
  readonly method: 'GET' | 'POST'
  /** Path and query, from the server's root. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Aborted when the client stops, the caller does not wait any more or it has taken too long. */
  readonly signal: AbortSignal
  /** So long the signal waits, ms. */
  readonly timeoutMs: number
}

/** A complete answer. */
export interface TransportResponse {
  readonly status: number
  /** By its name in lower case; undefined: the answer has none. */
  readonly header: (name: string) => string | undefined
  readonly text: string
}

/** An answer that goes on. */
export interface TransportStream extends Pick<TransportResponse, 'status' | 'header'> {
  /** As it comes in; ends, or throws, with the connection. */
  readonly chunks: AsyncIterable<string>
}

/** How requests travel. Rejects when there is no complete answer. */
export interface Transport {
  send(request: TransportRequest): Promise<TransportResponse>
  /** Streams of events. Left out: it has none. */
  open?(request: TransportRequest): Promise<TransportStream>
  /** Ends what is open. */
  close?(): Promise<void>
}

/**
 * By the platform's own `fetch`, which keeps connections open and opens as many as there are
 * requests.
 */
export function fetchTransport(origin: string): Transport {
  const ask = ({ path, method, headers, body, signal }: TransportRequest) =>
    fetch(origin + path, { method, headers, signal, ...(body === undefined ? {} : { body }) })
  const headerOf = (response: Response) => (name: string) => response.headers.get(name) ?? undefined
  return {
    async send(request) {
      const response = await ask(request)
      return { status: response.status, header: headerOf(response), text: await response.text() }
    },
    async open(request) {
      const response = await ask(request)
      return { status: response.status, header: headerOf(response), chunks: chunksOf(response) }
    },
  }
}

/** Not every browser can iterate over a body. */
async function* chunksOf({ body }: Response): AsyncGenerator<string, void> {
  if (!body) return
  const reader = body.getReader()
  const decoder = new TextDecoder()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read())
      yield decoder.decode(next.value, { stream: true })
  } finally {
    reader.cancel().catch(() => undefined)
  }
}
