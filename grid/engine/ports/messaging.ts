export interface Message {
  readonly data: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** Names of headers that came several times; their values are joined by commas. */
  readonly repeated?: readonly string[]
}

export type Responder = (message: Message) => Promise<Message> | Message

export interface Endpoint {
  readonly subject: string
  /** Shown to whoever asks the service for its endpoints. */
  readonly description?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly respond: Responder
}

/**
 * A named group of endpoints. Instances with the same name share the requests: each goes to one of
 * them.
 */
export interface Service {
  readonly name: string
  readonly version: string
  readonly description?: string
  /** Of this instance, told to whoever looks for it. */
  readonly metadata?: Readonly<Record<string, string>>
  readonly endpoints: readonly Endpoint[]
}

export interface Subscription {
  stop(): Promise<void>
}

export interface RequestOptions {
  readonly timeoutMs: number
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Request/reply and broadcast between components, and the way in for callers in any language.
 * Nothing durable rests on it: a message may be lost or doubled. `request` fails with
 * `no_responder` (nobody listens), `request_timeout` or `log_unavailable` (not connected). A
 * responder's GridError travels to the requester with its code, message and details.
 */
export interface Messaging {
  /** Largest message in bytes. */
  readonly messageBytesMax: number
  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message>
  publish(subject: string, data: Uint8Array): void
  subscribe(subject: string, listener: (message: Message) => void): Subscription
  /** Every instance answers for itself on its own subject; no sharing. */
  respond(subject: string, responder: Responder): Subscription
  serve(service: Service): Promise<Subscription>
  close(): Promise<void>
}
