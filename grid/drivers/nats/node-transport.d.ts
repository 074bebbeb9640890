/** Not among the driver's public types. */
declare module 'nats/lib/src/node_transport.js' {
  import type { Socket } from 'node:net'

  export class NodeTransport {
    socket: Socket | undefined
    iterate(): AsyncIterable<Uint8Array>
    discard(): void
  }
}
